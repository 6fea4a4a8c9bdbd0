import { Command, Option } from "commander";
import { type Outcome, isRequestProblem, traceProbe } from "../../index.ts";
import { CliError, exitCodes } from "../exit.ts";
import { type InputFlags, readInput, withInput } from "../input.ts";
import type { Shell } from "../io.ts";
import { traceOutputs } from "../outputs/index.ts";

interface TraceFlags extends InputFlags {
  readonly from: string;
  readonly output: string;
  readonly expect?: Outcome;
}

const expectable: readonly Outcome[] = ["answered", "refused", "timed-out", "unreachable", "name-not-found"];

const examples = `
Examples:
  kubehop trace -f manifests/ --from deploy/client curl http://web
  kubehop trace --scenario scenarios/hairpin.yaml --from shop/pod/web-0 curl http://web
  kubectl get nodes,ns,pods,svc,endpointslices,netpol -A -o yaml | kubehop trace -f - -n shop --from deploy/client dig web
  kubehop trace -f shop.yaml --from external curl http://172.18.0.2:30080 -o json

Probes: curl URL, dig NAME [TYPE], ping HOST, tcp HOST:PORT, udp HOST:PORT, sctp HOST:PORT
Exit codes: 0 whatever the outcome, 1 when --expect is not met, 2 usage, 3 bad input, 4 outcome unknown`;

/** `kubehop trace`: one probe, every decision. */
export function traceVerb(shell: Shell): Command {
  return withInput(new Command("trace"))
    .description("send one probe through the simulated cluster and show every decision")
    .argument("<probe...>", "curl URL | dig NAME [TYPE] | ping HOST | tcp HOST:PORT | udp HOST:PORT | sctp HOST:PORT")
    .requiredOption("--from <who>", "pod/NAME, deploy/NAME, NAMESPACE/pod/NAME, node/NAME, external or external:IP")
    .addOption(new Option("-o, --output <format>", "what to print").choices(Object.keys(traceOutputs)).default("text"))
    .addOption(new Option("--expect <outcome>", "exit 1 when the outcome is another").choices([...expectable]))
    .passThroughOptions()
    .addHelpText("after", examples)
    .action((words: readonly string[], flags: TraceFlags) => {
      shell.exitWith(runTrace(words, flags, shell));
    });
}

function runTrace(words: readonly string[], flags: TraceFlags, shell: Shell): number {
  const input = readInput(flags, shell);
  const trace = traceProbe(input, {
    from: flags.from,
    run: words.join(" "),
    level: flags.output === "wide" || flags.output === "html" ? "rule" : "step",
  });
  if (isRequestProblem(trace)) throw new CliError(exitCodes.usage, `error ${trace.code}: ${trace.message}`);
  shell.out((traceOutputs[flags.output] as (typeof traceOutputs)[string])(trace, shell));
  if (trace.outcome === "unknown") return exitCodes.unknown;
  return flags.expect === undefined || flags.expect === trace.outcome ? exitCodes.ok : exitCodes.expectationFailed;
}
