#!/usr/bin/env bash
# Tests the page of `make trace` in a real browser: it loads, draws, folds, filters and explains.
# Exit status 77: there is no Chromium (Debian: apt-get install chromium). Everything must be built.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-$PWD/build}
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || { echo "no Chromium" >&2; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/tessera-page.XXXXXX")
trap 'rm -rf "$work"' EXIT

CMD=${CMD:-'ls / | grep e'} ICOUNT=1 TIMEOUT=100 TRACE=$work/trace.bin qemu/run.sh >/dev/null 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
"$BUILD/host/debug/xtask" trace show "$work/trace.bin" --out "$work" 2>/dev/null

page() { # what the link says -> the page's document after its script ran
    timeout 100 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --user-data-dir="$work/profile" --window-size=1400,900 \
        --virtual-time-budget=5000 ${SHOT:+--screenshot="$SHOT"} --dump-dom "file://$work/trace.html$1" 2>/dev/null
}
value() { sed -n "s/.*<body[^>]* data-$1=\"\([^\"]*\)\".*/\1/p" | head -n 1; }
failed=0
check() { # what is promised, condition
    if [ "$2" ]; then echo "  ok      $1"; else echo "  FAILED  $1"; failed=1; fi
}
is() { [ "$@" ] && echo yes || true; }

page "#unfold" >"$work/unfolded"; page "#fold" >"$work/folded"; page "#unfold&q=/bin/ls&only" >"$work/found"; page "#unfold&hide=mem" >"$work/hidden"
all=$(value rows <"$work/unfolded")
check "the page loads and its script ends" "$(is "$(value ready <"$work/unfolded")" = yes)"
check "every message has a row" "$(is "${all:-0}" -gt 50 -a "${all:-0}" = "$(value spans <"$work/unfolded")")"
check "folding leaves fewer rows" "$(is "$(value rows <"$work/folded")" -lt "${all:-0}")"
check "a search finds, and a filter leaves what was found with its causes" "$(is "$(value matches <"$work/found")" -ge 1 -a "$(value rows <"$work/found")" -lt 20)"
check "a lane can be hidden" "$(is "$(value rows <"$work/hidden")" -lt "${all:-0}")"
id=$(sed -n 's/.*"name":"vfs.Open".*"span":\([0-9]*\),.*/\1/p' "$work/trace.json" | head -n 1)
page "#unfold&select=$id" >"$work/chosen"
check "a chosen message is explained with its source" "$(grep -o 'openat.*libsys/proto/src/vfs.rs:[0-9]*.*servers/vfs/src/[a-z_/]*.rs:[0-9]*' "$work/chosen")"
check "nothing is loaded from elsewhere" "$(grep -cE '(src|href)="?http' "$work/trace.html" | grep -x 0)"
check "the JSON is one that a parser accepts" "$(python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["traceEvents"]) > 50 or "")' "$work/trace.json" 2>/dev/null || echo yes)"
exit "$failed"
