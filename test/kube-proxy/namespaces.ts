import { seededChance } from "../../src/kernel/chance.ts";
import { EventQueue } from "../../src/kernel/clock.ts";
import { createNamespace } from "../../src/kernel/namespace-create.ts";
import type { KernelProfile, NetworkNamespace } from "../../src/kernel/namespace.ts";
import { Network } from "../../src/kernel/network.ts";
import { kernelProfiles } from "../../src/kernel/profile.ts";
import { Recorder } from "../../src/trace/recorder.ts";

/** A namespace by itself, where nothing is recorded. */
export function emptyNamespace(name: string): NetworkNamespace {
  const clock = new EventQueue();
  return createNamespace({
    name,
    surroundings: {
      clock,
      chance: seededChance(1),
      wire: new Network(clock),
      recorder: new Recorder("off", () => clock.nowNanos()),
      profile: kernelProfiles["6.18"] as KernelProfile,
    },
  });
}
