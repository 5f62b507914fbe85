-- drizzle-kit wrote this file; PARTITION BY and the default partitions were added by hand, because drizzle cannot say them.
CREATE TABLE "applications" (
	"id" uuid PRIMARY KEY NOT NULL,
	"slug" text NOT NULL,
	"name" text NOT NULL,
	"webhooks_enabled" boolean DEFAULT true NOT NULL,
	"allowed_list" text[] DEFAULT '{}' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "applications_slug_unique" UNIQUE("slug")
);
--> statement-breakpoint
CREATE TABLE "destinations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"application_id" uuid NOT NULL,
	"name" text NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"config" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "integration_versions" (
	"integration_id" text NOT NULL,
	"version" integer NOT NULL,
	"definition" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "integration_versions_integration_id_version_pk" PRIMARY KEY("integration_id","version")
);
--> statement-breakpoint
CREATE TABLE "integrations" (
	"id" text PRIMARY KEY NOT NULL,
	"application_id" uuid NOT NULL,
	"name" text NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"definition" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "rewrite_function_versions" (
	"version" text PRIMARY KEY NOT NULL,
	"source" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "rewrite_functions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"application_id" uuid,
	"name" text NOT NULL,
	"version" text NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "attempts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"delivery_id" uuid NOT NULL,
	"number" smallint NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"request" text NOT NULL,
	"verdict" text NOT NULL,
	"reason" text NOT NULL,
	"status" smallint,
	"response_headers" text,
	"response_body" "bytea",
	"timing" text NOT NULL
) PARTITION BY RANGE ("id");
--> statement-breakpoint
-- Rows of a day that has no partition (a clock that jumped) land here instead of failing.
CREATE TABLE "attempts_default" PARTITION OF "attempts" DEFAULT;
--> statement-breakpoint
CREATE TABLE "dedupe_keys" (
	"integration_id" text NOT NULL,
	"key" text NOT NULL,
	"event_id" uuid NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "dedupe_keys_integration_id_key_pk" PRIMARY KEY("integration_id","key")
);
--> statement-breakpoint
CREATE TABLE "deliveries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"event_id" uuid NOT NULL,
	"application_id" uuid NOT NULL,
	"integration_id" text NOT NULL,
	"destination_id" uuid NOT NULL,
	"node_id" text NOT NULL,
	"position" integer NOT NULL,
	"item" text NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"tries" smallint DEFAULT 0 NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	"queued_at" timestamp with time zone NOT NULL,
	"lease_until" timestamp with time zone,
	"ended_at" timestamp with time zone
) PARTITION BY RANGE ("id");
--> statement-breakpoint
-- Rows of a day that has no partition (a clock that jumped) land here instead of failing.
CREATE TABLE "deliveries_default" PARTITION OF "deliveries" DEFAULT;
--> statement-breakpoint
CREATE TABLE "events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"request_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"application_id" uuid NOT NULL,
	"integration_id" text NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"source_ip" text NOT NULL,
	"payload" text,
	"dedupe_key" text,
	"duplicate_of" uuid,
	"latest_run_id" uuid,
	"state" text NOT NULL
) PARTITION BY RANGE ("id");
--> statement-breakpoint
-- Rows of a day that has no partition (a clock that jumped) land here instead of failing.
CREATE TABLE "events_default" PARTITION OF "events" DEFAULT;
--> statement-breakpoint
CREATE TABLE "node_results" (
	"run_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"node_id" text NOT NULL,
	"outcome" text NOT NULL,
	"message" text,
	"output" text,
	"log" text NOT NULL,
	"function_version" text,
	"wall_ms" integer NOT NULL,
	"cpu_ms" integer NOT NULL,
	CONSTRAINT "node_results_run_id_position_pk" PRIMARY KEY("run_id","position")
) PARTITION BY RANGE ("run_id");
--> statement-breakpoint
-- Rows of a day that has no partition (a clock that jumped) land here instead of failing.
CREATE TABLE "node_results_default" PARTITION OF "node_results" DEFAULT;
--> statement-breakpoint
CREATE TABLE "requests" (
	"id" uuid PRIMARY KEY NOT NULL,
	"received_at" timestamp with time zone NOT NULL,
	"application_id" uuid,
	"integration_id" text NOT NULL,
	"source_ip" text NOT NULL,
	"method" text NOT NULL,
	"path" text NOT NULL,
	"headers" text NOT NULL,
	"content_type" text,
	"body" "bytea",
	"body_bytes" integer NOT NULL,
	"outcome" text NOT NULL,
	"status" smallint NOT NULL,
	"detail" text
) PARTITION BY RANGE ("id");
--> statement-breakpoint
-- Rows of a day that has no partition (a clock that jumped) land here instead of failing.
CREATE TABLE "requests_default" PARTITION OF "requests" DEFAULT;
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"event_id" uuid NOT NULL,
	"application_id" uuid NOT NULL,
	"integration_id" text NOT NULL,
	"definition_version" integer NOT NULL,
	"cause" text NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"queued_at" timestamp with time zone NOT NULL,
	"takes" smallint DEFAULT 0 NOT NULL,
	"function_versions" text,
	"deliveries_open" integer DEFAULT 0 NOT NULL,
	"deliveries_dead" integer DEFAULT 0 NOT NULL,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone
) PARTITION BY RANGE ("id");
--> statement-breakpoint
-- Rows of a day that has no partition (a clock that jumped) land here instead of failing.
CREATE TABLE "runs_default" PARTITION OF "runs" DEFAULT;
--> statement-breakpoint
CREATE TABLE "api_keys" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"application_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "api_keys_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
ALTER TABLE "destinations" ADD CONSTRAINT "destinations_application_id_applications_id_fk" FOREIGN KEY ("application_id") REFERENCES "public"."applications"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "integrations" ADD CONSTRAINT "integrations_application_id_applications_id_fk" FOREIGN KEY ("application_id") REFERENCES "public"."applications"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rewrite_functions" ADD CONSTRAINT "rewrite_functions_application_id_applications_id_fk" FOREIGN KEY ("application_id") REFERENCES "public"."applications"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "rewrite_functions_of_application" ON "rewrite_functions" USING btree ("application_id","name");--> statement-breakpoint
CREATE UNIQUE INDEX "rewrite_functions_shared" ON "rewrite_functions" USING btree ("name") WHERE application_id IS NULL;--> statement-breakpoint
CREATE INDEX "attempts_by_delivery" ON "attempts" USING btree ("delivery_id");--> statement-breakpoint
CREATE INDEX "dedupe_keys_by_expiry" ON "dedupe_keys" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "deliveries_by_run" ON "deliveries" USING btree ("run_id");--> statement-breakpoint
CREATE INDEX "deliveries_by_event" ON "deliveries" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "deliveries_by_destination" ON "deliveries" USING btree ("destination_id","id");--> statement-breakpoint
CREATE INDEX "deliveries_to_do" ON "deliveries" USING btree ("due_at") WHERE state IN ('queued', 'sending', 'retrying');--> statement-breakpoint
CREATE INDEX "events_by_integration" ON "events" USING btree ("integration_id","id");--> statement-breakpoint
CREATE INDEX "events_by_dedupe_key" ON "events" USING btree ("dedupe_key") WHERE dedupe_key IS NOT NULL;--> statement-breakpoint
CREATE INDEX "requests_by_integration" ON "requests" USING btree ("integration_id","id");--> statement-breakpoint
CREATE INDEX "runs_by_event" ON "runs" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "runs_to_do" ON "runs" USING btree ("queued_at") WHERE state IN ('queued', 'running');