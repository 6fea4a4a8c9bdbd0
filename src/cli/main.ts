#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { processStreams } from "./io.ts";
import { packageFile } from "./package-file.ts";
import { main } from "./program.ts";

const { version } = JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { readonly version: string };

// A reader that goes away (`| head`) is no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 5));
process.exitCode = await main(process.argv.slice(2), processStreams, version);
