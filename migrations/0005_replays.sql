CREATE TABLE "replay_items" (
	"replay_id" uuid NOT NULL,
	"subject_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"refusal" text,
	CONSTRAINT "replay_items_replay_id_subject_id_pk" PRIMARY KEY("replay_id","subject_id")
);
--> statement-breakpoint
CREATE TABLE "replays" (
	"id" uuid PRIMARY KEY NOT NULL,
	"of" text NOT NULL,
	"filter" text NOT NULL,
	"definition" text NOT NULL,
	"per_second" integer NOT NULL,
	"state" text NOT NULL,
	"matched" integer NOT NULL,
	"done" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"next_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "replay_of" uuid;--> statement-breakpoint
ALTER TABLE "replay_items" ADD CONSTRAINT "replay_items_replay_id_replays_id_fk" FOREIGN KEY ("replay_id") REFERENCES "public"."replays"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "replay_items_to_do" ON "replay_items" USING btree ("replay_id","subject_id") WHERE refusal IS NULL;--> statement-breakpoint
CREATE INDEX "replays_to_do" ON "replays" USING btree ("next_at") WHERE state = 'running';--> statement-breakpoint
CREATE INDEX "replays_by_end" ON "replays" USING btree ("ended_at") WHERE ended_at IS NOT NULL;