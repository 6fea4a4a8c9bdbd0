import { EventQueue } from "../../src/kernel/clock.ts";
import { seededChance } from "../../src/kernel/chance.ts";
import type { NetworkNamespace } from "../../src/kernel/namespace.ts";
import { createNamespace } from "../../src/kernel/namespace-create.ts";
import { Network } from "../../src/kernel/network.ts";
import { kernelProfiles } from "../../src/kernel/profile.ts";
import { Recorder } from "../../src/trace/recorder.ts";

/** A namespace that nothing is recorded of. */
export function namespaceNamed(name: string): NetworkNamespace {
  const clock = new EventQueue();
  const surroundings = {
    clock,
    chance: seededChance(1),
    wire: new Network(clock),
    recorder: new Recorder("off", () => clock.nowNanos()),
    profile: kernelProfiles["6.18"] as (typeof kernelProfiles)[string],
  };
  return createNamespace({ name, surroundings });
}
