CREATE TABLE "audit_log" (
	"id" uuid PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"key_id" uuid,
	"who" text NOT NULL,
	"source_ip" text,
	"application_id" uuid,
	"action" text NOT NULL,
	"resource" text NOT NULL,
	"resource_id" text NOT NULL,
	"differences" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "replays" ADD COLUMN "application_id" uuid;--> statement-breakpoint
ALTER TABLE "alert_channels" ADD COLUMN "application_id" uuid;--> statement-breakpoint
-- Every key that was made before there were roles may do everything.
ALTER TABLE "api_keys" ADD COLUMN "role" text NOT NULL DEFAULT 'admin';--> statement-breakpoint
ALTER TABLE "api_keys" ALTER COLUMN "role" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "expires_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "last_used_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "audit_log_by_application" ON "audit_log" USING btree ("application_id","id");--> statement-breakpoint
CREATE INDEX "audit_log_by_resource" ON "audit_log" USING btree ("resource","resource_id","id");