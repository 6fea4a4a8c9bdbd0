import { Command } from "commander";
import type { Streams } from "../io.ts";
export function rulesVerb(_s: Streams): Command { return new Command("rules"); }
