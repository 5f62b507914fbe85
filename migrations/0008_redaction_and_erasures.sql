CREATE TABLE "erasure_items" (
	"erasure_id" uuid NOT NULL,
	"subject_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"refusal" text,
	CONSTRAINT "erasure_items_erasure_id_subject_id_pk" PRIMARY KEY("erasure_id","subject_id")
);
--> statement-breakpoint
CREATE TABLE "erasures" (
	"id" uuid PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"search" text,
	"parts_of_words" boolean NOT NULL,
	"application_id" uuid,
	"integration_id" text,
	"received_from" timestamp with time zone,
	"received_before" timestamp with time zone,
	"reason" text NOT NULL,
	"requested_by" text NOT NULL,
	"looking_at" text NOT NULL,
	"looked_to" uuid,
	"looked" integer DEFAULT 0 NOT NULL,
	"matched" integer DEFAULT 0 NOT NULL,
	"unfinished" text,
	"erased" integer DEFAULT 0 NOT NULL,
	"kept" integer DEFAULT 0 NOT NULL,
	"next_at" timestamp with time zone NOT NULL,
	"found_at" timestamp with time zone,
	"confirmed_at" timestamp with time zone,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "shown" text;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "hidden" text;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "shown" text;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "erase_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "erased_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "erased_by" text;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "erased_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "erasure_items" ADD CONSTRAINT "erasure_items_erasure_id_erasures_id_fk" FOREIGN KEY ("erasure_id") REFERENCES "public"."erasures"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "erasures_to_do" ON "erasures" USING btree ("next_at") WHERE state IN ('searching', 'erasing');--> statement-breakpoint
CREATE INDEX "events_to_erase" ON "events" USING btree ("erase_at","id") WHERE erase_at IS NOT NULL;