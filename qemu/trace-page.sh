#!/usr/bin/env bash
# Tests the page of `make trace` in a real browser: qemu/trace-page.js does what a reader does.
# Exit status 77: there is no Chromium (Debian: apt-get install chromium). Everything must be built.
# SHOTS=folder also writes screenshots there.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-$PWD/build}
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || { echo "no Chromium" >&2; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/tessera-page.XXXXXX")
trap 'rm -rf "$work"' EXIT
unset BOARD BOOT OVERLAY MEMORY

record() { # name, command: boots, runs it and writes its page
    CMD=$2 ICOUNT=1 TIMEOUT=200 TRACE=$work/$1.bin qemu/run.sh >/dev/null 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
    CMD=$2 "$BUILD/host/debug/xtask" trace show "$work/$1.bin" --out "$work/$1" 2>/dev/null
    # The test runs behind the page's own script.
    { sed '/^<\/body>/,$d' "$work/$1/trace.html"; echo "<script>"; cat qemu/trace-page.js; echo "</script></body></html>"; } >"$work/$1/test.html"
}
browse() { # arguments: options of the browser and an address
    timeout 200 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --user-data-dir="$work/profile" --window-size=1400,900 "$@" 2>/dev/null
}
failed=0
run() { # page: prints the results, notes failures
    browse --dump-dom "file://$work/$1" | sed -n '/<pre id="results">/,/<\/pre>/p' | sed 's/<[^>]*>//g; s/&gt;/>/g; s/&lt;/</g; /^$/d' >"$work/results"
    cat "$work/results"
    grep -q '^  ok ' "$work/results" || { echo "  FAILED  the page loads and the test runs"; failed=1; }
    ! grep -q '^  FAILED' "$work/results" || failed=1
}

record small 'ls / | grep e'
run small/test.html
if grep -qE '(src|href)="?http' "$work/small/trace.html"; then echo "  FAILED  nothing is loaded from elsewhere"; failed=1; fi
record large 'i=0; while [ $i -lt 25 ]; do ls -l /bin | sort | tail -n 3 | wc; forktree >/dev/null; forkexec >/dev/null; i=$((i + 1)); done'
run 'large/test.html#large'

if [ -n "${SHOTS:-}" ]; then
    mkdir -p "$SHOTS"
    shot() { browse --virtual-time-budget=5000 --screenshot="$SHOTS/$1.png" "file://$work/$2"; }
    shot small small/trace.html
    shot unfolded 'small/trace.html#unfold&q=open&select=40'
    shot large large/trace.html
    shot part 'large/trace.html#unfold&zoom=10000000,10200000'
fi
exit "$failed"
