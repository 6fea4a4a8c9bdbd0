import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { packFragment, unpackFragment, withoutSecrets } from "../../src/viz/share.ts";

const pod = `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: { kubehop.dev/ready: "false", vault.example/token: hunter2 }
spec:
  initContainers:
    - { name: init, image: a, env: [{ name: A, value: hunter2 }] }
  containers:
    - name: main
      image: a
      envFrom: [{ secretRef: { name: hunter2 } }]
      env:
        - { name: PASSWORD, value: hunter2 }
      ports: [{ containerPort: 80 }]
`;
const secret = "apiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData: { password: hunter2 }\n";

describe("what is private is taken out", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["a Secret among documents", `${secret}---\n${pod}`],
    ["a Secret in a List", `apiVersion: v1\nkind: List\nitems:\n  - ${secret.trim().replaceAll("\n", "\n    ")}\n`],
    ["a list of Secrets", "apiVersion: v1\nkind: SecretList\nitems: [{ data: { a: hunter2 } }]\n"],
    [
      "JSON as kubectl prints it",
      JSON.stringify({
        kind: "List",
        items: [
          { kind: "Secret", data: { a: "hunter2" } },
          { kind: "Pod", spec: { containers: [{ env: [{ name: "A", value: "hunter2" }] }] } },
        ],
      }),
    ],
    [
      "the environment of a template",
      `kind: Deployment\nspec: { template: { spec: { containers: [{ env: [{ value: hunter2 }] }] } } }\n`,
    ],
    [
      "what kubectl applied last",
      `kind: Service\nmetadata: { annotations: { kubectl.kubernetes.io/last-applied-configuration: hunter2 } }\n`,
    ],
  ];
  test.each(cases)("%s", (_, text) => {
    expect(text).toContain("hunter2");
    expect(withoutSecrets(text)).not.toContain("hunter2");
  });
});

test("what decides where packets go stays: ports, names, kubehop's own annotations and those of topology", () => {
  const service = "kind: Service\nmetadata: { annotations: { service.kubernetes.io/topology-mode: Auto, a: b } }\n";
  const [left, right] = parseAllDocuments(withoutSecrets(`${pod}---\n${service}`)).map(
    (document) => document.toJS() as never,
  );
  expect(left).toMatchObject({
    metadata: { annotations: { "kubehop.dev/ready": "false" } },
    spec: { containers: [{ ports: [{ containerPort: 80 }] }] },
  });
  expect(right).toMatchObject({ metadata: { annotations: { "service.kubernetes.io/topology-mode": "Auto" } } });
});

test("a text without anything private is passed on as it is, comments and all", () => {
  const text = "# a comment\nkind: Pod   # odd  spacing\n";
  expect(withoutSecrets(text)).toBe(text);
});

test("a text that cannot be read is not passed on: nobody can tell what is in it", () => {
  expect(withoutSecrets("a: [\nkind: Secret hunter2")).toBe("");
});

test("what is packed is what is unpacked, but for what is private", async () => {
  const fragment = await packFragment({
    files: [
      { name: "a.yaml", text: `${secret}---\nkind: Pod\n` },
      { name: "ü.yaml", text: "x: 1\n" },
    ],
  });
  expect(await unpackFragment(fragment)).toEqual({
    files: [
      { name: "a.yaml", text: "kind: Pod\n" },
      { name: "ü.yaml", text: "x: 1\n" },
    ],
  });
  expect(await unpackFragment("#s=%%%")).toBeUndefined();
});
