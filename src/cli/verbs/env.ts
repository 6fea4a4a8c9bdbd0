import { Command, Option } from "commander";
import { serviceVariables } from "../../index.ts";
import { CliError, exitCodes } from "../exit.ts";
import { type InputFlags, readInput, withInput } from "../input.ts";
import type { Streams } from "../io.ts";

interface EnvFlags extends InputFlags {
  readonly from: string;
  readonly output: "text" | "json";
}

const examples = `
Examples:
  kubehop env -f manifests/ --from deploy/web
  kubehop env -f manifests/ --from shop/pod/web-0 -o json

A probe may use them: kubehop trace -f manifests/ --from deploy/web curl 'http://$API_SERVICE_HOST:$API_SERVICE_PORT'`;

/** `kubehop env`: what the kubelet tells a pod of Services. */
export function envVerb(streams: Streams): Command {
  return withInput(new Command("env"))
    .description("print the variables that a pod has for Services")
    .requiredOption("--from <who>", "pod/NAME, deploy/NAME, NAMESPACE/pod/NAME")
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .addHelpText("after", examples)
    .action((flags: EnvFlags) => streams.out(printVariables(flags, streams)));
}

function printVariables(flags: EnvFlags, streams: Streams): string {
  const found = serviceVariables(readInput(flags, streams), flags.from);
  if ("code" in found) throw new CliError(exitCodes.usage, `error ${found.code}: ${found.message}`);
  if (flags.output === "json") return `${JSON.stringify(found.variables, null, 2)}\n`;
  return Object.entries(found.variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}
