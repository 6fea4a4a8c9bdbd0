import type { Trace } from "../trace/records.ts";
import type { ClusterInput } from "./input.ts";
import { isRequestProblem, traceProbe } from "./probe.ts";

/** Sends probes from one sender: `cluster.from("deploy/client").curl("http://web")`. */
export interface Sender {
  curl(url: string): Trace;
  dig(name: string): Trace;
  ping(host: string): Trace;
  tcp(target: string): Trace;
  udp(target: string): Trace;
}

/** A loaded cluster to be asked in tests. Senders and probes that do not exist throw: a test cannot pass by a typo. */
export class RouteTester {
  readonly input: ClusterInput;

  constructor(input: ClusterInput) {
    this.input = input;
  }

  /** The same cluster, with names that state no namespace taken from this one. */
  in(namespace: string): RouteTester {
    return new RouteTester({ ...this.input, namespace });
  }

  from(who: string): Sender {
    const run = (tool: string) => (target: string) => {
      const trace = traceProbe(this.input, { from: who, run: `${tool} ${target}` });
      if (isRequestProblem(trace)) throw new Error(`${trace.code}: ${trace.message}`);
      return trace;
    };
    return { curl: run("curl"), dig: run("dig"), ping: run("ping"), tcp: run("tcp"), udp: run("udp") };
  }
}
