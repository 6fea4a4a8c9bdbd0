import { execFileSync, spawn } from "node:child_process";
import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";

/*
 * All of the lab happens in a process tree of its own: unshare(1) gives it new network, mount and PID namespaces. It
 * never sees the host's network. Its first process holds everything; when that ends, by whatever signal, the kernel
 * ends the others (pid_namespaces(7)), and with the last of them the namespaces are gone. The kernel ends it with the
 * process that started it (prctl(2), PR_SET_PDEATHSIG), and it ends itself when its standard input, a pipe from there,
 * is closed.
 */

const insideVariable = "KUBEHOP_LAB_INSIDE";

const tools = [
  "bridge",
  "conntrack",
  "ip",
  "ip6tables-legacy",
  "ip6tables-legacy-restore",
  "ipset",
  "iptables-legacy",
  "iptables-legacy-restore",
  "mount",
  "nsenter",
  "perl",
  "ping",
  "setpriv",
  "sysctl",
  "tcpdump",
  "unshare",
];

/** Why the lab cannot run here at all; undefined when it can be tried. */
export function whyNoLab(): string | undefined {
  if (process.platform !== "linux") return "the lab needs Linux";
  if (process.getuid?.() !== 0) return "the lab needs root: it makes network namespaces";
  const missing = tools.filter((tool) => !isInstalled(tool));
  return missing.length === 0 ? undefined : `the lab needs ${missing.join(", ")}`;
}

function isInstalled(tool: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Whether this process is the first of a private world. */
export function isInside(): boolean {
  return process.env[insideVariable] === "1" && process.pid === 1;
}

/** Runs this very command again inside a private world; resolves to its exit code. */
export function runInside(): Promise<number> {
  const flags = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const own = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", ...flags, ...own], {
    env: { ...process.env, [insideVariable]: "1" },
    stdio: ["pipe", "inherit", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 137)));
  });
}

/** What the first process inside does before anything else. */
export function settleIn(): void {
  const end = (): never => process.exit(130);
  // The first process of a PID namespace has no default for signals.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
  process.stdin.on("end", end).on("error", end).resume();
  process.stdin.unref?.();
  // Names of namespaces and the lock of iptables are files below /run: nobody else sees these.
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", "/run"]);
  mkdirSync("/run/netns");
}
