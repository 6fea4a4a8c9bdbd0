import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { shareFragment } from "../../index.ts";
import type { Streams } from "../io.ts";
import { readScenarioFile } from "../scenario-file.ts";
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
      const directory = fileURLToPath(new URL("../../web", import.meta.url));
      const fragment = scenario === undefined ? "" : await shareFragment(readScenarioFile(scenario), readScenarioFile);
      const { url } = await servePage({ directory, port: flags.port });
      streams.out(`View: ${url}${fragment}\n`);
    });
}
