import { Command, InvalidArgumentError } from "commander";
import { seededChance } from "../../kernel/chance.ts";
import { replay } from "../../sim/replay.ts";
import { pinnedFlows } from "../../sim/replay-pins.ts";
import { parseTopology } from "../../topology/topology.ts";
import { wholeNumber } from "../input.ts";
import type { Streams } from "../io.ts";
import { goldenText, readFolder, withTextErrors } from "../topology-folder.ts";

interface ReplayFlags {
  readonly only?: RegExp;
  readonly pin: ReadonlyMap<string, number>;
  readonly seed: number;
}

const examples = `
Examples:
  kubehop replay test/referee/kernel/hostgw/topology --only '^hairpin$'
  kubehop replay test/referee/kernel/kp-iptables/topology --pin web-random=1

The folder holds links, flows and, per namespace, sysctl, ip, bridge, ipset, iptables, listen: docs/topology.md.`;

/** `kubehop replay`: a folder of plain Linux state, run through the engine. */
export function replayVerb(streams: Streams): Command {
  return new Command("replay")
    .description("run the flows of a folder of plain Linux state and print what happened, as JSON")
    .argument("<dir>", "the folder")
    .option("--only <regex>", "run only flows whose name matches", expression)
    .option("--pin <flow=n>", "a flow takes endpoint N, from 0, where chance would decide (repeatable)", pin, new Map())
    .option("--seed <n>", "seed of every random decision", wholeNumber, 1)
    .addHelpText("after", examples)
    .action((folder: string, flags: ReplayFlags) => streams.out(runReplay(folder, flags)));
}

function runReplay(folder: string, { only, pin: pins, seed }: ReplayFlags): string {
  const flows = withTextErrors(() =>
    replay(parseTopology(readFolder(folder)), {
      chance: pinnedFlows(pins, seededChance(seed)),
      only: ({ name }) => only === undefined || only.test(name),
    }),
  );
  return goldenText(folder, "kubehop", flows);
}

function expression(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new InvalidArgumentError("it is not a regular expression");
  }
}

function pin(text: string, previous: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const match = /^(.+)=(\d+)$/.exec(text);
  if (!match) throw new InvalidArgumentError("write FLOW=N");
  return new Map([...previous, [match[1] as string, Number(match[2])]]);
}
