import { defineConfig } from "vitest/config";

/** The projects run one after another: what drives a browser, the kernel or npm is not timed beside other work. */
const alone = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  fileParallelism: false,
  expect: { poll: { timeout: 10_000 } },
};

/** What takes minutes on the real kernel: npm run test:kernel, and continuous integration. */
const long = ["test/root/lab*.test.ts", "test/root/netpolicy-cyclonus.test.ts"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/browser/**", "test/root/**", "test/package/**"],
          testTimeout: 120_000,
          // No test leaves anything behind, so the files share workers: to load the engine takes longer than most of them.
          isolate: false,
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...alone,
          name: "root",
          include: ["test/root/**/*.test.ts"],
          exclude: long,
          sequence: { groupOrder: 1 },
        },
      },
      ...(process.env["KUBEHOP_LAB"] === undefined
        ? []
        : [{ test: { ...alone, name: "kernel", include: long, sequence: { groupOrder: 4 } } }]),
      {
        test: {
          ...alone,
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          globalSetup: "test/browser/setup.ts",
          isolate: false,
          fileParallelism: true,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      { test: { ...alone, name: "package", include: ["test/package/**/*.test.ts"], sequence: { groupOrder: 3 } } },
    ],
  },
});
