DROP INDEX "attempts_by_destination";--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "batch_id" uuid;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "pushed_with" uuid;--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "batch_id" uuid;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "is_element" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "deliveries_by_batch" ON "deliveries" USING btree ("batch_id","id") WHERE batch_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX "attempts_by_destination" ON "attempts" USING btree ("destination_id","id") WHERE pushed_with IS NULL;