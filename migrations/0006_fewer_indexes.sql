DROP INDEX "deliveries_to_do";--> statement-breakpoint
DROP INDEX "deliveries_later";--> statement-breakpoint
DROP INDEX "deliveries_replaceable";--> statement-breakpoint
DROP INDEX "deliveries_due";--> statement-breakpoint
DROP INDEX "deliveries_unique";--> statement-breakpoint
CREATE INDEX "deliveries_due" ON "deliveries" USING btree ("destination_id","due_at") WHERE state IN ('delayed', 'retrying');--> statement-breakpoint
CREATE INDEX "deliveries_unique" ON "deliveries" USING btree ("destination_id","unique_key","event_id","id") WHERE unique_key IS NOT NULL AND state IN ('delayed', 'waiting', 'queued', 'sending', 'retrying');