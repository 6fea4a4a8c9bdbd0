import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { formatProblem, parseScenario, resolvePath } from "../../index.ts";
import { packFragment } from "../../viz/share.ts";
import { CliError, exitCodes } from "../exit.ts";
import type { Streams } from "../io.ts";
import { packageFile } from "../package-file.ts";
import { type Source, readSource } from "../files.ts";
import { servePage } from "../serve.ts";
import { wholeNumber } from "../input.ts";

/** `kubehop view`: serves the built page on loopback until it is interrupted. */
export function viewVerb(streams: Streams): Command {
  return new Command("view")
    .description("open the browser view (served on 127.0.0.1 only)")
    .argument("[scenario]", "the scenario to open")
    .option("--port <n>", "first port to try", wholeNumber, 4173)
    .addHelpText("after", "\nExamples:\n  kubehop view\n  kubehop view scenarios/hairpin.yaml")
    .action(async (scenario: string | undefined, flags: { readonly port: number }) => {
      const directory = fileURLToPath(packageFile("dist/web"));
      const fragment = scenario === undefined ? "" : await packFragment({ files: filesOf(scenario) });
      const { url } = await servePage({ directory, port: flags.port });
      streams.out(`View: ${url}${fragment}\n`);
    });
}

/** The scenario and the manifests that it names. */
function filesOf(scenario: string): readonly Source[] {
  const file = readSource(scenario);
  const parsed = parseScenario(file.name, file.text);
  if ("problems" in parsed) throw new CliError(exitCodes.badInput, parsed.problems.map(formatProblem).join("\n"));
  return [file, ...parsed.scenario.manifests.map(({ path }) => readSource(resolvePath(file.name, path)))];
}
