import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { benchNode, benchOptions, generatedObjects } from "../../bench/kube-proxy-objects.ts";
import { formatRestore } from "../../src/iptables/proxier-restore.ts";
import { iptablesProxier } from "../../src/iptables/proxier.ts";

// Lengths and checksums of what kube-proxy 1.30.5 itself wrote for these objects, recorded.
test.each([
  { services: 90, endpoints: 10, bytes: 425_553, sha256: "78f01b9a4eff4d13", mode: "comments everywhere" },
  { services: 1000, endpoints: 10, bytes: 3_248_561, sha256: "c0a0939d00efac58", mode: "large-cluster mode" },
])("$services Services of $endpoints endpoints: $mode", ({ services, endpoints, bytes, sha256 }) => {
  const { commands } = iptablesProxier.sync(generatedObjects(services, endpoints), benchNode, benchOptions);
  const text = commands.map((command) => (command.kind === "iptables-restore" ? formatRestore(command.restore) : ""));
  const hash = createHash("sha256").update(text.join("")).digest("hex");
  expect([text.join("").length, hash.slice(0, 16)]).toEqual([bytes, sha256]);
});
