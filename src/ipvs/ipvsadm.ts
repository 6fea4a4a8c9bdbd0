import { type Address, formatAddress, formatEndpoint, ipv4, parseAddress } from "../wire/address.ts";
import type { ServiceKey, ServiceTable } from "./service-table.ts";
import type { IpvsProtocol, RealServer, VirtualServer } from "./virtual-server.ts";

/** A line that ipvsadm would refuse. */
export class IpvsadmError extends Error {
  readonly code: "BAD_OPTION" | "MISSING_VALUE" | "BAD_ENDPOINT" | "UNMODELLED";

  constructor(code: IpvsadmError["code"], message: string) {
    super(message);
    this.name = "IpvsadmError";
    this.code = code;
  }
}

const protocolOptions: Readonly<Record<string, IpvsProtocol>> = {
  "-t": "tcp",
  "--tcp-service": "tcp",
  "-u": "udp",
  "--udp-service": "udp",
  "--sctp-service": "sctp",
};

const commands: Readonly<Record<string, string>> = {
  "--add-service": "-A",
  "--delete-service": "-D",
  "--clear": "-C",
  "--add-server": "-a",
  "--edit-server": "-e",
  "--delete-server": "-d",
};

/**
 * Runs one ipvsadm command, or line of `ipvsadm-save` text (which lacks the word itself), on a table. Throws an
 * IpvsadmError for what ipvsadm does not understand, an IpvsError for what the kernel refuses. ipvsadm(8).
 */
export function runIpvsadm(table: ServiceTable, line: string): void {
  const words = line.split(/\s+/).filter((word) => word !== "");
  if (words[0] === "ipvsadm") words.shift();
  const given = words.shift() ?? "";
  const command = commands[given] ?? given;
  if (command === "-C") return table.clear();
  const read = readOptions(words);
  const key = read.key;
  if (key === undefined)
    throw new IpvsadmError("MISSING_VALUE", `${given} needs a virtual server: -t, -u ADDRESS:PORT`);
  if (command === "-D") return table.deleteService(key);
  if (command === "-A") {
    table.addService({
      ...key,
      scheduler: read.scheduler ?? "wlc",
      schedulerFlags: read.flags,
      persistenceSeconds: read.persistence ?? 0,
      ...(read.persistencePrefix !== undefined && { persistencePrefix: read.persistencePrefix }),
    });
    return;
  }
  if (read.server === undefined)
    throw new IpvsadmError("MISSING_VALUE", `${given} needs a real server: -r ADDRESS:PORT`);
  const server = { address: read.server.address, port: read.server.port ?? key.port };
  switch (command) {
    case "-a":
      table.addServer(key, { ...server, ...read.thresholds, weight: read.weight ?? 1 });
      return;
    case "-e":
      return table.editServer(key, { ...server, ...read.thresholds, weight: read.weight ?? 1 });
    case "-d":
      return table.deleteServer(key, server);
    default:
      throw new IpvsadmError("BAD_OPTION", `${given} is no command of ipvsadm that is modelled`);
  }
}

interface Options {
  key?: ServiceKey;
  server?: { readonly address: Address; readonly port: number | undefined };
  scheduler?: string;
  flags: string[];
  persistence?: number;
  weight?: number;
  readonly thresholds: { upperThreshold?: number; lowerThreshold?: number };
  /** Bits of a client's address. */
  persistencePrefix?: number;
}

function readOptions(words: string[]): Options {
  const options: Options = { flags: [], thresholds: {} };
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const protocol = protocolOptions[word];
    if (protocol !== undefined) {
      const { address, port } = endpoint(value(words, word));
      if (port === undefined) throw new IpvsadmError("BAD_ENDPOINT", `${word} takes ADDRESS:PORT`);
      options.key = { protocol, address, port };
      continue;
    }
    switch (word) {
      case "-r":
      case "--real-server":
        options.server = endpoint(value(words, word));
        break;
      case "-s":
      case "--scheduler":
        options.scheduler = value(words, word);
        break;
      case "-b":
      case "--sched-flags":
        options.flags = value(words, word).split(",");
        break;
      case "-p":
      case "--persistent":
        options.persistence = /^\d+$/.test(words[0] ?? "") ? Number(words.shift()) : 300;
        break;
      case "-w":
      case "--weight":
        options.weight = Number(value(words, word));
        break;
      case "-x":
      case "--u-threshold":
        options.thresholds.upperThreshold = Number(value(words, word));
        break;
      case "-y":
      case "--l-threshold":
        options.thresholds.lowerThreshold = Number(value(words, word));
        break;
      case "-M":
      case "--netmask":
        options.persistencePrefix = prefixOf(value(words, word));
        break;
      case "-m":
      case "--masquerading":
        break;
      case "-g":
      case "-i":
      case "--gatewaying":
      case "--ipip":
        throw new IpvsadmError("UNMODELLED", `${word}: only masquerading (-m) is modelled`);
      default:
        throw new IpvsadmError("BAD_OPTION", `${word} is no option of ipvsadm that is modelled`);
    }
  }
  return options;
}

function value(words: string[], option: string): string {
  const word = words.shift();
  if (word === undefined) throw new IpvsadmError("MISSING_VALUE", `${option} needs a value`);
  return word;
}

/** `10.0.0.1:80`, `[fd00::1]:80`; the port may be missing. */
function endpoint(text: string): { readonly address: Address; readonly port: number | undefined } {
  const match = /^(?:\[(.+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const address = parseAddress(match?.[1] ?? match?.[2] ?? "");
  if (address === undefined) throw new IpvsadmError("BAD_ENDPOINT", `${text} is not ADDRESS:PORT`);
  return { address, port: match?.[3] === undefined ? undefined : Number(match[3]) };
}

/** `255.255.255.0`, or the number of bits of an IPv6 address. */
function prefixOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const mask = parseAddress(text);
  if (typeof mask !== "number") throw new IpvsadmError("BAD_ENDPOINT", `${text} is not a netmask`);
  return 32 - Math.log2(2 ** 32 - mask);
}

/** The table in the syntax of `ipvsadm-save -n`: what `runIpvsadm` reads, line by line. */
export function formatIpvsadmSave(table: ServiceTable): string {
  return table
    .services()
    .flatMap(serviceLines)
    .map((line) => `${line}\n`)
    .join("");
}

function serviceLines(service: VirtualServer): string[] {
  const { protocol, address, port, schedulerName, schedulerFlags, persistenceSeconds } = service;
  const virtual = `${{ tcp: "-t", udp: "-u", sctp: "--sctp-service" }[protocol]} ${formatEndpoint(address, port)}`;
  const flags = schedulerFlags.length > 0 ? ` -b ${schedulerFlags.join(",")}` : "";
  const persistence = persistenceSeconds > 0 ? ` -p ${persistenceSeconds}${netmask(service)}` : "";
  return [
    `-A ${virtual} -s ${schedulerName}${flags}${persistence}`,
    // Read again from the last one, each goes to the head of the list: the order stays.
    ...service.servers.toReversed().map((server) => {
      return `-a ${virtual} -r ${formatEndpoint(server.address, server.port)} -m -w ${server.weight}${thresholds(server)}`;
    }),
  ];
}

function netmask({ address, persistencePrefix }: VirtualServer): string {
  if (typeof address === "bigint") return persistencePrefix === 128 ? "" : ` -M ${persistencePrefix}`;
  return persistencePrefix === 32 ? "" : ` -M ${formatAddress(ipv4(2 ** 32 - 2 ** (32 - persistencePrefix)))}`;
}

function thresholds({ upperThreshold, lowerThreshold }: RealServer): string {
  const upper = upperThreshold > 0 ? ` -x ${upperThreshold}` : "";
  return lowerThreshold > 0 ? `${upper} -y ${lowerThreshold}` : upper;
}
