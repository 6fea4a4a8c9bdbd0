/** 100 nodes with 30 pods each, in three zones; one Service with five endpoints. */
export function largeCluster(): string {
  const documents = ["name: large\nflows:\n  - { name: one, from: shop/pod/web-3-1, run: curl http://web }"];
  for (let node = 0; node < 100; node++) {
    const address = `172.18.${Math.floor(node / 250)}.${(node % 250) + 2}`;
    documents.push(
      `apiVersion: v1\nkind: Node\nmetadata: { name: n${node}, labels: { topology.kubernetes.io/zone: z${node % 3} } }\nstatus: { addresses: [{ type: InternalIP, address: ${address} }] }`,
    );
    for (let pod = 0; pod < 30; pod++) {
      const labels = pod === 0 && node < 5 ? "{ app: web }" : "{ app: other }";
      documents.push(
        `apiVersion: v1\nkind: Pod\nmetadata: { name: web-${node}-${pod}, namespace: shop, labels: ${labels} }\nspec: { nodeName: n${node}, containers: [{ name: main, image: "a:1", ports: [{ containerPort: 80 }] }] }`,
      );
    }
  }
  documents.push(
    "apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\nspec: { selector: { app: web }, ports: [{ port: 80 }] }",
  );
  return `${documents.join("\n---\n")}\n`;
}
