// What qemu/trace-page.sh runs in the browser behind the page's own script: it does what a reader does, and
// notes what came of it. One line of the result for each promise; `large` asks for the times of a large trace.
"use strict";
const results = [];
const check = (promise, held) => results.push(`${held ? "  ok    " : "  FAILED"}  ${promise}`);
const press = key => dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const all = spans.length;

function reader() {
  foldAll(false);
  check("every message has a row", all > 50 && rows.length === all);
  press("f"); const folded = rows.length;
  check("'f' folds everything", folded < all && rows.every(span => !span.parent));
  press("u"); check("'u' unfolds it", rows.length === all);

  const open = spans.find(span => nameOf(span) === "Open");
  select(open, true);
  const detail = $("detail").textContent;
  check("a chosen message has the words of its declaration", detail.includes("openat") && detail.includes("Descriptor"));
  check("it names the line of its declaration", /libsys\/proto\/src\/vfs\.rs:\d+/.test($("declared").textContent));
  check("and that of its handler", /servers\/vfs\/src\/[a-z_\/]*\.rs:\d+/.test($("handled").textContent));
  check("costs add up", spans.every(span => span.own >= 0 && span.own <= span.cost) && spans.some(span => span.own > 0 && span.own < span.cost));
  const exec = spans.find(span => span.how === "start" && span.children.length);
  select(exec, true); press("ArrowLeft"); const less = rows.length; press("ArrowRight");
  check("left and right fold and unfold the chosen one", less < all && rows.length === all && selected === exec);
  press("ArrowDown"); check("down goes to the next row", selected.row === exec.row + 1);
  press("z"); check("'z' zooms to it", to - from < (last - first) / 2);
  const before = to - from; press("+"); check("'+' zooms in", to - from < before);
  const left = from; press("d"); check("'d' moves", from > left);
  press("0"); check("'0' shows the whole trace", from <= first && to >= last);

  zoomTo(open); paint();
  const box = boxes.find(box => box[4] === open), place = canvas.getBoundingClientRect();
  const at = { clientX: place.left + (box[0] + box[1]) / 2, clientY: place.top + (box[2] + box[3]) / 2, bubbles: true };
  canvas.dispatchEvent(new MouseEvent("mousemove", at));
  check("hovering over a bar explains it", $("tip").style.display === "block" && $("tip").textContent.includes("openat"));
  select(null); canvas.dispatchEvent(new MouseEvent("click", at)); check("clicking chooses it", selected === open);
  canvas.dispatchEvent(new MouseEvent("mouseleave"));

  press("/"); check("'/' goes to the search", document.activeElement === $("search"));
  $("search").value = "/bin/ls"; $("search").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  check("a search finds", matches.length >= 1 && describe(selected).find.includes("/bin/ls"));
  $("search").blur(); const match = selected; press("n"); press("N"); check("'n' and 'N' go through what it found", selected === match);
  $("only").click(); check("only what was found is left, with its causes", rows.length < all / 2 && rows.every(span => isMatch(span) || span.children.length));
  $("only").click(); $("search").value = query = ""; refresh();

  const mem = [...$("chips").children].find(chip => chip.textContent === "mem");
  mem.click(); check("a lane can be hidden", rows.length < all && !rows.some(span => laneName(span.to) === "mem"));
  mem.click(); check("and shown again", rows.length === all);
  press("?"); check("'?' explains", $("help").style.display === "block"); press("Escape"); check("Esc closes", $("help").style.display === "none");
}

// Limits are those of a slow machine; the time that was taken is in the result.
function large() {
  const timed = (what, limit, action) => {
    const start = performance.now(); action();
    const took = Math.round(performance.now() - start);
    check(`${what}: ${took} ms (at most ${limit})`, took <= limit);
  };
  const paintNow = () => { paint(); context.getImageData(0, 0, 1, 1); };
  check(`${COUNT.toLocaleString("en")} records are 100,000 or more`, COUNT >= 100000);
  check(`loading: ${Math.round(performance.now())} ms (at most 15000)`, performance.now() <= 15000);
  timed("drawing the whole trace", 4000, paintNow);
  timed("unfolding everything", 2000, () => foldAll(false));
  timed("drawing it unfolded", 4000, paintNow);
  timed("drawing a hundredth of it", 2000, () => { from = first + (last - first) * .4; to = from + (last - first) * .01; paintNow(); });
  timed("the first search", 6000, () => { query = "open"; refresh(); });
  check("it finds", matches.length > 100);
  timed("the next search", 1000, () => { query = "openprogram"; refresh(); });
  timed("only matches", 1000, () => { $("only").checked = true; refresh(); });
  timed("folding everything", 1000, () => { $("only").checked = false; query = ""; foldAll(true); });
  timed("scrolling the list a hundred times", 8000, () => { for (let i = 0; i < 100; i++) { $("tree").scrollTop = i * 997; list(); } });
}

try { (location.hash === "#large" ? large : reader)(); } catch (error) { check(`the script runs: ${error.stack}`, false); }
const report = document.createElement("pre"); report.id = "results"; report.textContent = "\n" + results.join("\n") + "\n";
document.body.append(report);
