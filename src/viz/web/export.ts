import { button, el } from "./dom.ts";

/** What a picture must carry with it, for the page's style sheets stay behind. */
const carried = [
  "fill",
  "fill-opacity",
  "fill-rule",
  "stroke",
  "stroke-width",
  "stroke-opacity",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "font",
  "opacity",
  "display",
] as const;
/** Dots per CSS pixel of a saved bitmap. */
const density = 2;

/** One button with the two kinds of picture. */
export function pictureMenu(stage: HTMLElement): HTMLElement {
  const choose = el(
    "div",
    { class: "menu-items", popover: "auto", id: "picture-menu" },
    button("Save the stage as SVG (e)", "SVG", () => saveSvg(stage)),
    button("Save the stage as PNG", "PNG", () => void savePng(stage)),
  );
  choose.addEventListener("click", () => choose.hidePopover());
  const opener = el("button", { type: "button", popovertarget: "picture-menu", title: "Save a picture" }, "Picture");
  return el("span", { class: "menu" }, opener, choose);
}

export function saveSvg(stage: HTMLElement): void {
  save(new Blob([wholeText(stage)], { type: "image/svg+xml" }), "kubehop.svg");
}

async function savePng(stage: HTMLElement): Promise<void> {
  const address = URL.createObjectURL(new Blob([svgText(stage)], { type: "image/svg+xml" }));
  const picture = new Image();
  picture.src = address;
  await picture.decode();
  URL.revokeObjectURL(address);
  const canvas = el("canvas", { width: stage.clientWidth * density, height: stage.clientHeight * density });
  const context = canvas.getContext("2d");
  for (const layer of [picture, dotsOf(stage)]) if (layer) context?.drawImage(layer, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => {
    if (blob) save(blob, "kubehop.png");
  });
}

/** The stage as one file: what the style sheets say is written onto every element. */
function svgText(stage: HTMLElement): string {
  const source = stage.querySelector("svg") as SVGSVGElement;
  const copy = source.cloneNode(true) as SVGSVGElement;
  const originals = source.querySelectorAll<SVGElement>("*");
  for (const [index, element] of copy.querySelectorAll<SVGElement>("*").entries()) {
    const style = getComputedStyle(originals[index] as SVGElement);
    for (const name of carried) element.style.setProperty(name, style.getPropertyValue(name));
  }
  const { clientWidth: width, clientHeight: height } = stage;
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` }))
    copy.setAttribute(name, String(value));
  copy.style.background = getComputedStyle(stage).backgroundColor;
  return new XMLSerializer().serializeToString(copy);
}

/** In a large cluster pods are dots on a canvas over the drawing. */
function dotsOf(stage: HTMLElement): HTMLCanvasElement | null {
  return stage.querySelector<HTMLCanvasElement>("canvas.dots.on");
}

/** The drawing with its dots as a picture inside: as text, for the page itself may load no such picture. */
function wholeText(stage: HTMLElement): string {
  const dots = dotsOf(stage);
  const { clientWidth: width, clientHeight: height } = stage;
  const image = dots === null ? "" : `<image href="${dots.toDataURL()}" width="${width}" height="${height}"/>`;
  return svgText(stage).replace(/<\/svg>$/, () => `${image}</svg>`);
}

/** Hands a file to the browser to be saved. */
export function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  el("a", { href: address, download: name }).click();
  // The download has its own hold on the data once it has begun.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
