#!/usr/bin/env node
import { createRequire } from "node:module";
import { processStreams } from "./io.ts";
import { main } from "./program.ts";

const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string };

// A reader that goes away (`| head`) is no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 5));
process.exitCode = await main(process.argv.slice(2), processStreams, version);
