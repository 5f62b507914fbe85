CREATE TABLE "integration_handshakes" (
	"integration_id" text PRIMARY KEY NOT NULL,
	"waiting_until" timestamp with time zone,
	"pinned" text,
	"kind" text,
	"note" text,
	"received_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "published_addresses" (
	"source" text PRIMARY KEY NOT NULL,
	"entries" text[] NOT NULL,
	"fetched_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "secret_uses" (
	"integration_id" text NOT NULL,
	"secret_id" text NOT NULL,
	"last_used_at" timestamp with time zone NOT NULL,
	CONSTRAINT "secret_uses_integration_id_secret_id_pk" PRIMARY KEY("integration_id","secret_id")
);
--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "topic" text;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "source_delivery_id" text;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "source_event_id" text;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "occurred_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "sender" text;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "reason" text;--> statement-breakpoint
ALTER TABLE "integration_handshakes" ADD CONSTRAINT "integration_handshakes_integration_id_integrations_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integrations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "secret_uses" ADD CONSTRAINT "secret_uses_integration_id_integrations_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integrations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "events_by_source_delivery" ON "events" USING btree ("source_delivery_id") WHERE source_delivery_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX "events_by_source_event" ON "events" USING btree ("source_event_id") WHERE source_event_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX "events_quarantined" ON "events" USING btree ("integration_id") WHERE state = 'quarantined';