DROP INDEX "runs_to_do";--> statement-breakpoint
DROP INDEX "runs_ahead";--> statement-breakpoint
ALTER TABLE "node_results" ADD COLUMN "call" text;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "retries" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "due_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "answer" text;--> statement-breakpoint
CREATE INDEX "runs_to_do" ON "runs" USING btree ("queued_at") WHERE state IN ('queued', 'running', 'retrying');--> statement-breakpoint
CREATE INDEX "runs_ahead" ON "runs" USING btree ("integration_id","event_id") WHERE state IN ('queued', 'running', 'retrying');