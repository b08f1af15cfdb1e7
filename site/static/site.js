// Frames of widgets: as tall as their page says it is, and in the theme of the site. A page opened from a file may not look into its frames.
const frames = () => [...document.querySelectorAll("iframe.widget")];
const theme = () => document.documentElement.dataset.theme ?? "light dark";
const paint = () => frames().forEach((frame) => frame.contentWindow?.postMessage({ theme: theme() }, "*"));
addEventListener("message", ({ data, source }) => {
  const frame = frames().find((one) => one.contentWindow === source);
  if (!frame || !data?.height) return;
  if (!frame.style.height) source.postMessage({ theme: theme() }, "*");
  frame.style.height = `${Math.ceil(data.height)}px`;
});
new MutationObserver(paint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
// The theme's switches of nested pages have a picture and no name.
addEventListener("DOMContentLoaded", () => {
  for (const one of document.querySelectorAll("nav li > details > summary")) {
    one.setAttribute("aria-label", `Pages of ${one.closest("li").querySelector("a").textContent.trim()}`);
  }
});
