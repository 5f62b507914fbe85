CREATE TABLE "alert_channels" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"config" text NOT NULL,
	"conditions" text[] DEFAULT '{}' NOT NULL,
	"applications" uuid[] DEFAULT '{}' NOT NULL,
	"integrations" text[] DEFAULT '{}' NOT NULL,
	"destinations" uuid[] DEFAULT '{}' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "alert_messages" (
	"id" uuid PRIMARY KEY NOT NULL,
	"channel_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"incident_id" uuid,
	"content" text,
	"created_at" timestamp with time zone NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	"tries" smallint DEFAULT 0 NOT NULL,
	"sent_at" timestamp with time zone,
	"given_up_at" timestamp with time zone,
	"note" text
);
--> statement-breakpoint
CREATE TABLE "alert_rules" (
	"id" uuid PRIMARY KEY NOT NULL,
	"condition" text NOT NULL,
	"application_id" uuid,
	"integration_id" text,
	"destination_id" uuid,
	"enabled" boolean DEFAULT true NOT NULL,
	"limits" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "incidents" (
	"id" uuid PRIMARY KEY NOT NULL,
	"condition" text NOT NULL,
	"subject" text NOT NULL,
	"application_id" uuid NOT NULL,
	"integration_id" text,
	"destination_id" uuid,
	"sentence" text NOT NULL,
	"opened_at" timestamp with time zone NOT NULL,
	"last_seen_at" timestamp with time zone NOT NULL,
	"recovered_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "destination_id" uuid;--> statement-breakpoint
UPDATE "attempts" SET "destination_id" = "deliveries"."destination_id" FROM "deliveries" WHERE "deliveries"."id" = "attempts"."delivery_id";--> statement-breakpoint
DELETE FROM "attempts" WHERE "destination_id" IS NULL;--> statement-breakpoint
ALTER TABLE "attempts" ALTER COLUMN "destination_id" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "alert_messages" ADD CONSTRAINT "alert_messages_channel_id_alert_channels_id_fk" FOREIGN KEY ("channel_id") REFERENCES "public"."alert_channels"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_messages" ADD CONSTRAINT "alert_messages_incident_id_incidents_id_fk" FOREIGN KEY ("incident_id") REFERENCES "public"."incidents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "alert_messages_waiting" ON "alert_messages" USING btree ("channel_id","id") WHERE sent_at IS NULL AND given_up_at IS NULL;--> statement-breakpoint
CREATE INDEX "alert_messages_by_incident" ON "alert_messages" USING btree ("incident_id");--> statement-breakpoint
CREATE UNIQUE INDEX "alert_rules_of_subject" ON "alert_rules" USING btree ("condition",coalesce(application_id::text, ''),coalesce(integration_id, ''),coalesce(destination_id::text, ''));--> statement-breakpoint
CREATE UNIQUE INDEX "incidents_open" ON "incidents" USING btree ("condition","subject") WHERE recovered_at IS NULL;--> statement-breakpoint
CREATE INDEX "incidents_by_recovery" ON "incidents" USING btree ("recovered_at") WHERE recovered_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX "attempts_by_destination" ON "attempts" USING btree ("destination_id","id");--> statement-breakpoint
CREATE INDEX "deliveries_waiting" ON "deliveries" USING btree ("destination_id","id") WHERE state IN ('queued', 'sending', 'retrying');--> statement-breakpoint
CREATE INDEX "deliveries_dead" ON "deliveries" USING btree ("destination_id","ended_at") WHERE state = 'dead';--> statement-breakpoint
CREATE INDEX "runs_dead" ON "runs" USING btree ("integration_id","ended_at") WHERE state = 'dead';