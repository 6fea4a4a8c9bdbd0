import { compareText } from "../proxy/service-port.ts";
import type { Family } from "../wire/address.ts";
import { addressBits } from "../wire/cidr.ts";
import { address as known } from "../wire/address.ts";
import type { PlannedService } from "./proxier-plan.ts";
import { setIds, setName, setOptions } from "./proxier-sets.ts";
import { type IpvsProxierState, planText, serverText } from "./proxier.ts";

/** The addresses of kube-ipvs0, a line each, sorted. */
export function formatDummyAddresses({ addresses }: IpvsProxierState): string {
  return lines([...addresses.keys()].map((text) => `${text}/${addressBits(known(text))}`).sort(compareText));
}

/** The virtual and real servers in the syntax of `ipvsadm-save -n`, sorted. */
export function formatVirtualServers({ services }: IpvsProxierState, scheduler: string): string {
  const sorted = [...services].sort(([a], [b]) => compareText(a, b)).map(([, service]) => service);
  return lines(sorted.flatMap((service) => serviceLines(service, scheduler)));
}

function serviceLines(service: PlannedService, scheduler: string): string[] {
  const { protocol, persistenceSeconds: seconds } = service;
  const option = { tcp: "-t", udp: "-u", sctp: "--sctp-service" }[protocol];
  const virtual = `${option} ${planText(service).replace(/\/\w+$/, "")}`;
  const flags = (seconds > 0 ? 1 : 0) | (scheduler === "mh" ? 0x10 : 0);
  const persistence = seconds > 0 ? ` -p ${seconds}` : "";
  return [
    `-A ${virtual} -s ${scheduler}${persistence} # flags=0x${flags.toString(16)} timeout=${seconds}`,
    ...service.servers
      .map(serverText)
      .sort(compareText)
      .map((server) => `-a ${virtual} -r ${server} -m -w 1`),
  ];
}

/** The sets in the syntax of `ipset save`, members sorted. */
export function formatSets({ members }: IpvsProxierState, family: Family): string {
  return lines(
    setIds.flatMap((id) => {
      const name = setName(id, family);
      const sorted = [...(members.get(id)?.keys() ?? [])].sort(compareText);
      return [`create ${name} ${setOptions(id, family)}`, ...sorted.map((member) => `add ${name} ${member}`)];
    }),
  );
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
