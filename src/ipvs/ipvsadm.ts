import { type Address, formatEndpoint, parseAddress } from "../wire/address.ts";
import type { ServiceKey, ServiceTable } from "./service-table.ts";
import type { IpvsProtocol, VirtualServer } from "./virtual-server.ts";

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
    });
    return;
  }
  if (read.server === undefined)
    throw new IpvsadmError("MISSING_VALUE", `${given} needs a real server: -r ADDRESS:PORT`);
  const server = { address: read.server.address, port: read.server.port ?? key.port };
  switch (command) {
    case "-a":
      table.addServer(key, { ...server, weight: read.weight ?? 1 });
      return;
    case "-e":
      return table.setWeight(key, server, read.weight ?? 1);
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
}

function readOptions(words: string[]): Options {
  const options: Options = { flags: [] };
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
  const persistence = persistenceSeconds > 0 ? ` -p ${persistenceSeconds}` : "";
  return [
    `-A ${virtual} -s ${schedulerName}${flags}${persistence}`,
    // Read again from the last one, each goes to the head of the list: the order stays.
    ...service.servers.toReversed().map((server) => {
      return `-a ${virtual} -r ${formatEndpoint(server.address, server.port)} -m -w ${server.weight}`;
    }),
  ];
}
