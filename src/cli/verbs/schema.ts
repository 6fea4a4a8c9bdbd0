import { readFileSync } from "node:fs";
import { Argument, Command } from "commander";
import type { Streams } from "../io.ts";
import { packageFile } from "../package-file.ts";

/** `kubehop schema`: the JSON Schemas of the files it reads and writes. */
export function schemaVerb(streams: Streams): Command {
  return new Command("schema")
    .description("print the JSON Schema of scenario files or of traces")
    .addArgument(new Argument("<what>", "which one").choices(["scenario", "trace"]))
    .addHelpText("after", "\nExamples:\n  kubehop schema scenario > scenario.schema.json")
    .action((what: string) => streams.out(readFileSync(packageFile(`schema/${what}.json`), "utf8")));
}
