"use strict";
// The browser of pairs. Numbers of all pairs are unpacked at once, texts a block at a time when a page shows them.
(() => {
  const PAGE = 20;
  const $ = (id) => document.getElementById(id);
  const state = { rows: [], page: 0, drawing: 0 };
  const blocks = new Map();
  let index = null;

  async function unpack(id) {
    const packed = Uint8Array.from(atob($(id).textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  function block(number) {
    if (!blocks.has(number)) {
      blocks.set(number, unpack(`block-${number}`));
      if (blocks.size > 60) blocks.delete(blocks.keys().next().value);
    }
    return blocks.get(number);
  }

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  // Pieces are plain text and MathML in turn. Only the MathML, made and checked by pairforge, is read as markup.
  function fill(target, pieces) {
    target.replaceChildren();
    pieces.forEach((piece, at) => {
      if (at % 2 === 0) {
        target.append(piece);
      } else {
        const holder = document.createElement("template");
        holder.innerHTML = piece;
        target.append(holder.content);
      }
    });
  }

  function search() {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const source = $("source").value;
    const kind = $("kind").value;
    const low = $("gap-min").value === "" ? -Infinity : Number($("gap-min").value);
    const high = $("gap-max").value === "" ? Infinity : Number($("gap-max").value);
    const rows = [];
    for (let i = 0; i < index.id.length; i++) {
      if (source !== "" && index.source[i] !== Number(source)) continue;
      if (kind !== "" && index.status[i] !== kind) continue;
      if (index.gap[i] < low || index.gap[i] > high) continue;
      if (words.length && !words.every((word) => index.haystack[i].includes(word))) continue;
      rows.push(i);
    }
    const [name, sign] = $("sort").value.split(" ");
    if (name !== "stored") rows.sort((a, b) => (index[name][a] - index[name][b]) * Number(sign) || a - b);
    state.rows = rows;
    state.page = 0;
    draw();
  }

  async function draw() {
    const turn = ++state.drawing;
    const pages = Math.max(1, Math.ceil(state.rows.length / PAGE));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const shown = state.rows.slice(state.page * PAGE, (state.page + 1) * PAGE);
    const items = await Promise.all(shown.map(row));
    if (turn !== state.drawing) return;
    $("pairs").replaceChildren(...items);
    const count = state.rows.length.toLocaleString("en");
    $("count").textContent = `${count} of ${index.id.length.toLocaleString("en")} pairs`;
    for (const place of document.querySelectorAll(".page")) place.textContent = `page ${state.page + 1} of ${pages}`;
    for (const button of document.querySelectorAll("button.previous")) button.disabled = state.page === 0;
    for (const button of document.querySelectorAll("button.next")) button.disabled = state.page >= pages - 1;
  }

  async function row(i) {
    const texts = (await block(Math.floor(i / index.block_size)))[i % index.block_size];
    const question = element("span", { class: "question" });
    fill(question, texts ? texts.question : [index.question[i]]);
    const status = index.status[i];
    const badges = element(
      "span", { class: "badges" },
      element("span", {}, `gap ${index.gap[i].toLocaleString("en")} tokens`),
      element("span", {}, `${index.chosen[i].toLocaleString("en")} / ${index.rejected[i].toLocaleString("en")}`),
      element("span", {}, `ratio ${index.ratio[i].toFixed(2)}`),
      element("span", {}, index.sources[index.source[i]]),
      element("span", status === "correct" ? {} : { class: "wrong" }, `rejected: ${status.replaceAll("_", " ")}`),
      element("span", { class: "id" }, index.id[i]),
    );
    const button = element("button", { type: "button", "aria-expanded": "false" }, question, badges);
    const article = element("article", { class: "pair" }, button);
    button.addEventListener("click", () => toggle(article, button, i, texts));
    return article;
  }

  function toggle(article, button, i, texts) {
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) {
      article.querySelector(".sides").remove();
      return;
    }
    const sides = element("div", { class: "sides" });
    for (const name of ["chosen", "rejected"]) {
      const text = element("div", { class: "text", tabindex: "0" });
      if (texts) fill(text, texts[name]);
      else text.append("This pair's texts were left out to keep the file small.");
      const tokens = index[name][i].toLocaleString("en");
      const about = texts ? `${name}, ${tokens} tokens, ${texts[name + "_status"]}` : `${name}, ${tokens} tokens`;
      const side = element("section", { class: `side ${name}`, "aria-label": name }, element("h3", {}, about), text);
      sides.append(side);
    }
    if (texts) sides.append(element("div", { class: "about" }, texts.about));
    article.append(sides);
  }

  function go(step) {
    state.page += step;
    draw().then(() => $("filters").scrollIntoView({ block: "start" }));
  }

  function move(step) {
    const buttons = [...document.querySelectorAll(".pair > button")];
    const at = buttons.indexOf(document.activeElement?.closest(".pair")?.querySelector("button"));
    const next = buttons[at < 0 ? (step > 0 ? 0 : buttons.length - 1) : at + step];
    if (next) {
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    }
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape" && typing) {
      event.target.blur();
      return;
    }
    if (typing) return;
    const actions = { "/": () => $("search").focus(), j: () => move(1), k: () => move(-1), n: () => go(1), p: () => go(-1) };
    if (actions[event.key]) {
      event.preventDefault();
      actions[event.key]();
    }
  }

  async function start() {
    if (!$("index")) return;
    if (typeof DecompressionStream === "undefined") {
      $("count").textContent = "This browser is too old to unpack the pairs (it has no DecompressionStream).";
      return;
    }
    index = await unpack("index");
    index.haystack = index.question.map((text, i) =>
      `${text} ${index.id[i]} ${index.problem[i]} ${index.sources[index.source[i]]} ${index.answer[i]}`.toLowerCase());
    index.sources.forEach((name, at) => $("source").append(element("option", { value: at }, name.slice(0, 60))));
    [...new Set(index.status)].sort().forEach((name) =>
      $("kind").append(element("option", { value: name }, name.replaceAll("_", " "))));
    let waiting = 0;
    for (const input of $("filters").querySelectorAll("input, select")) {
      input.addEventListener("input", () => {
        clearTimeout(waiting);
        waiting = setTimeout(search, 120);
      });
    }
    $("filters").addEventListener("submit", (event) => event.preventDefault());
    for (const button of document.querySelectorAll("button.previous")) button.addEventListener("click", () => go(-1));
    for (const button of document.querySelectorAll("button.next")) button.addEventListener("click", () => go(1));
    document.addEventListener("keydown", keys);
    search();
    document.documentElement.dataset.ready = "yes";
  }

  start();
})();
