CREATE TABLE "destination_states" (
	"destination_id" uuid PRIMARY KEY NOT NULL,
	"paused_at" timestamp with time zone,
	"pause_reason" text,
	"opened_at" timestamp with time zone,
	"open_reason" text,
	"openings" smallint DEFAULT 0 NOT NULL,
	"closed_at" timestamp with time zone,
	"probe_at" timestamp with time zone,
	"probe_delivery_id" uuid,
	"rate_free_at" timestamp with time zone
);
--> statement-breakpoint
DROP INDEX "deliveries_to_do";--> statement-breakpoint
DROP INDEX "deliveries_waiting";--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "probes" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "priority" smallint DEFAULT 5 NOT NULL;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "order_key" text;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "holds_on_dead" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "unique_key" text;--> statement-breakpoint
CREATE INDEX "deliveries_due" ON "deliveries" USING btree ("due_at") WHERE state IN ('delayed', 'retrying');--> statement-breakpoint
CREATE INDEX "deliveries_later" ON "deliveries" USING btree ("destination_id","id") WHERE state IN ('delayed', 'retrying');--> statement-breakpoint
CREATE INDEX "deliveries_in_flight" ON "deliveries" USING btree ("destination_id","id") WHERE state IN ('queued', 'sending');--> statement-breakpoint
CREATE INDEX "deliveries_ordered" ON "deliveries" USING btree ("destination_id","order_key","event_id","id") WHERE order_key IS NOT NULL AND state IN ('delayed', 'waiting', 'queued', 'sending', 'retrying', 'dead');--> statement-breakpoint
CREATE INDEX "deliveries_unique" ON "deliveries" USING btree ("destination_id","unique_key","event_id","id") WHERE unique_key IS NOT NULL;--> statement-breakpoint
CREATE INDEX "deliveries_replaceable" ON "deliveries" USING btree ("destination_id") WHERE unique_key IS NOT NULL AND state IN ('delayed', 'waiting', 'retrying');--> statement-breakpoint
CREATE INDEX "runs_ahead" ON "runs" USING btree ("integration_id","event_id") WHERE state IN ('queued', 'running');--> statement-breakpoint
CREATE INDEX "deliveries_to_do" ON "deliveries" USING btree ("due_at") WHERE state IN ('waiting', 'queued', 'sending');--> statement-breakpoint
CREATE INDEX "deliveries_waiting" ON "deliveries" USING btree ("destination_id","priority","event_id","id") WHERE state = 'waiting';