import { load } from "kubehop/vitest";
import { describe, expect, test } from "vitest";

// The shop that comes with kubehop. In your own project: load("manifests/").
const shop = (await load("node_modules/kubehop/scenarios/shop")).in("shop");

describe("the routes of the shop", () => {
  test("the client reaches the web server by name", () => {
    const trace = shop.from("deploy/client").curl("http://web");
    expect(trace).toReach("deploy/web");
    expect(trace).toGoThrough("KUBE-SERVICES", "cni0");
    expect(trace).toBeNatedTo("*:8080");
  });

  test("the web server reaches the cart", () => {
    expect(shop.from("deploy/web").curl("http://cart:7070")).toReach("deploy/cart");
  });

  test("the client may not call the cart, because of the policy cart-from-web", () => {
    const trace = shop.from("deploy/client").curl("http://cart:7070");
    expect(trace).toBeRejected({ kind: "NetworkPolicy", name: "cart-from-web" });
  });

  test("a port that the Service does not have is not answered", () => {
    expect(shop.from("deploy/client").curl("--connect-timeout 2 http://web:81")).not.toReach("deploy/web");
  });
});
