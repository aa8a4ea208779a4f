//! The report as one HTML page with charts: no script, no network, nothing else beside it.
use super::measure::Measured;
use super::report::{METRICS, Metric, Report, number, share};
use std::fmt::Write;

/// Colours of the variants, in order; they differ in lightness too, so that they can be told apart in grey.
const COLOURS: [&str; 6] = [
    "#3566b8", "#e08a2e", "#4a9c6d", "#b8474b", "#8a63b0", "#7f868f",
];
/// Width of the drawing of bars, and of a full bar with the figure behind it.
const WIDTH: f64 = 560.0;
/// Room for the figure behind a full bar.
const FIGURE: f64 = 170.0;
/// Room for a letter of a name.
const LETTER: f64 = 7.5;
/// Height of a bar with its gap.
const STEP: usize = 26;
/// Most kinds of messages in the chart; the table below has all.
const CHARTED_KINDS: usize = 12;

const STYLE: &str = "
:root { --back: #fbfbf9; --text: #1d2433; --dim: #6b7385; --line: #dcdfe6; --panel: #fff; }
@media (prefers-color-scheme: dark) { :root { --back: #171a21; --text: #e4e7ee; --dim: #8e97ab; --line: #323846; --panel: #1e222b; } }
body { margin: 0 auto; max-width: 1180px; padding: 20px; font: 15px/1.5 system-ui, sans-serif; background: var(--back); color: var(--text); }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 28px 0 8px; } h3 { font-size: 15px; margin: 0; }
code, pre { font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, monospace; font-size: 13px; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 6px 0 0; max-height: 320px; overflow: auto; }
.dim { color: var(--dim); font-size: 13px; }
.key span { margin-right: 18px; } .key i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(480px, 1fr)); gap: 14px; }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--text); font-size: 13px; } svg .dim { fill: var(--dim); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; } .same { color: var(--dim); }
@media (max-width: 560px) { .charts { grid-template-columns: 1fr; } }
";

/// The page.
pub fn page(report: &Report) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Tessera: {0} compared</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{0}: <code>{1}</code></h1>\n",
        escape(&report.service),
        escape(&report.command)
    );
    page.push_str(&key(report));
    page.push_str("<h2>What differs</h2>\n<ul>\n");
    for sentence in report.sentences() {
        let _ = writeln!(page, "<li>{}</li>", escape(&sentence));
    }
    page.push_str("</ul>\n<h2>Figures</h2>\n<div class=\"charts\">\n");
    for metric in &METRICS {
        page.push_str(&metric_panel(report, metric));
    }
    page.push_str("</div>\n<h2>Instructions by server</h2>\n");
    page.push_str("<p class=\"dim\">From a second run that was traced, so with the cost of tracing, without what a server asked others for. The rest is programs and the kernel.</p>\n<div class=\"charts\">\n");
    for (server, figures) in report.servers() {
        page.push_str(&panel(&server, "", report, &figures));
    }
    page.push_str("</div>\n");
    page.push_str(&kinds(report));
    page.push_str(&outputs(report));
    page.push_str("</body>\n</html>\n");
    page
}

fn colour(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

fn key(report: &Report) -> String {
    let mut text = String::from("<p class=\"key\">");
    for (index, measured) in report.measured.iter().enumerate() {
        let _ = write!(
            text,
            "<span><i style=\"background:{}\"></i>{}</span>",
            colour(index),
            escape(&measured.name)
        );
    }
    text.push_str("</p>\n");
    text
}

fn metric_panel(report: &Report, metric: &Metric) -> String {
    let figures: Vec<u64> = report
        .measured
        .iter()
        .map(|measured| metric.of(measured))
        .collect();
    panel(metric.title, metric.note, report, &figures)
}

fn panel(title: &str, note: &str, report: &Report, figures: &[u64]) -> String {
    let mut text = format!("<div class=\"panel\"><h3>{}</h3>\n", escape(title));
    text.push_str(&bars(report, figures));
    if !note.is_empty() {
        let _ = writeln!(text, "<div class=\"dim\">{}</div>", escape(note));
    }
    text.push_str("</div>\n");
    text
}

/// A bar for each variant, all from 0, with name, figure and change.
fn bars(report: &Report, figures: &[u64]) -> String {
    let most = figures.iter().max().copied().unwrap_or(0).max(1) as f64;
    let first = figures.first().copied().unwrap_or(0);
    let names = report
        .measured
        .iter()
        .map(|measured| measured.name.chars().count());
    let left = (names.max().unwrap_or(0) as f64 * LETTER + 12.0).min(WIDTH / 2.0);
    let mut text = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\">\n",
        figures.len() * STEP + 4
    );
    for (index, (measured, &figure)) in report.measured.iter().zip(figures).enumerate() {
        let top = index * STEP + 4;
        let width = (WIDTH - FIGURE - left) * figure as f64 / most;
        let change = share(first, figure).map_or(String::new(), |share| format!("  {share}"));
        let _ = writeln!(
            text,
            "<text x=\"0\" y=\"{base}\">{name}</text><rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"18\" rx=\"3\" fill=\"{fill}\"/>\
             <text x=\"{after:.1}\" y=\"{base}\">{value}<tspan class=\"dim\">{change}</tspan></text>",
            base = top + 14,
            name = escape(&measured.name),
            fill = colour(index),
            after = left + width + 8.0,
            value = number(figure)
        );
    }
    text.push_str("</svg>\n");
    text
}

/// Charts of the messages that differ most, and a table of all.
fn kinds(report: &Report) -> String {
    let kinds = report.kinds();
    let mut text = String::from("<h2>Messages by kind</h2>\n<div class=\"charts\">\n");
    for kind in kinds
        .iter()
        .filter(|kind| kind.spread() > 0)
        .take(CHARTED_KINDS)
    {
        text.push_str(&panel(&kind.name, "", report, &kind.counts));
    }
    text.push_str("</div>\n<details><summary>All kinds</summary>\n<table>\n<tr><th>message</th>");
    for measured in &report.measured {
        let _ = write!(text, "<th>{}</th>", escape(&measured.name));
    }
    text.push_str("</tr>\n");
    for kind in &kinds {
        let class = if kind.spread() == 0 {
            " class=\"same\""
        } else {
            ""
        };
        let _ = write!(text, "<tr{class}><td>{}</td>", escape(&kind.name));
        for &count in &kind.counts {
            let _ = write!(text, "<td>{}</td>", number(count));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</table>\n</details>\n");
    text
}

/// What the command wrote: once if it is the same everywhere.
fn outputs(report: &Report) -> String {
    let mut text = String::from("<h2>Output</h2>\n");
    let one = |text: &mut String, title: &str, measured: &Measured| {
        let _ = writeln!(
            text,
            "<div class=\"panel\"><h3>{}</h3><div class=\"dim\">exit status {}</div><pre>{}</pre></div>",
            escape(title),
            measured.status,
            escape(&measured.output)
        );
    };
    match report.measured.first() {
        Some(first) if report.same_result() => one(&mut text, "the same in all", first),
        _ => {
            text.push_str("<div class=\"charts\">\n");
            for measured in &report.measured {
                one(&mut text, &measured.name, measured);
            }
            text.push_str("</div>\n");
        }
    }
    text
}

/// Text that means itself in HTML.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // HTML has no way to write other control characters.
            control if control < ' ' && !['\n', '\t'].contains(&control) => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::sample;
    use super::*;

    #[test]
    fn the_page_needs_nothing_else_and_shows_all_figures() {
        let page = page(&sample());
        for foreign in [
            "src=", "href=", "http:", "https:", "<script", "@import", "url(",
        ] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        for metric in &METRICS {
            assert!(page.contains(&format!("<h3>{}</h3>", metric.title)));
        }
        assert!(page.contains("mem-eager copies 214 pages more than mem-cow"));
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
        assert_eq!(page.matches("<div").count(), page.matches("</div>").count());
    }

    #[test]
    fn bars_have_the_lengths_of_their_figures() {
        let text = bars(&sample(), &[50, 200]);
        let width = WIDTH - FIGURE - (9.0 * LETTER + 12.0);
        for part in [width / 4.0, width] {
            assert!(text.contains(&format!("width=\"{part:.1}\"")), "{text}");
        }
        assert!(bars(&sample(), &[0, 0]).contains("width=\"0.0\""));
    }

    #[test]
    fn commands_and_outputs_cannot_become_markup() {
        let mut report = sample();
        report.measured[0].output = "<script>alert('&')</script>\u{1b}[0m".to_owned();
        let page = page(&report);
        assert!(page.contains("echo '&lt;b&gt;' | forktree"));
        assert!(page.contains("&lt;script&gt;alert('&amp;')&lt;/script&gt;\u{fffd}[0m"));
        assert!(!page.contains("<script"));
    }

    #[test]
    fn the_same_output_is_shown_once_and_others_side_by_side() {
        let mut report = sample();
        assert_eq!(page(&report).matches("<pre>").count(), 1);
        report.measured[1].output.push('x');
        assert_eq!(page(&report).matches("<pre>").count(), 2);
    }
}
