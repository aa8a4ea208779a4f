//! Traces on the host: taken out of the machine's memory, and written as page, text, chart and JSON.
mod memory;
mod page;
mod perfetto;
mod source;

use anyhow::{Context, Result};
use clap::Subcommand;
use std::fs;
use std::path::{Path, PathBuf};
use trace::file::Trace;
use trace::show::{Names, Style};
use trace::text::Numbers;
use trace::{Schema, Span, Story, show, summary::Summary};

/// Messages that the chart shows; a longer one cannot be read.
const CHART_MESSAGES: usize = 60;

/// What to do with a trace.
#[derive(Subcommand)]
pub enum Command {
    /// Takes the trace out of a file with the machine's memory.
    Take {
        /// The memory.
        #[arg(long)]
        memory: PathBuf,
        /// File to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Writes trace.html, trace.txt, trace.mmd and trace.json of a trace file.
    Show {
        /// What `take` wrote, by this build or an older one.
        file: PathBuf,
        /// Folder to write to.
        #[arg(long)]
        out: PathBuf,
    },
}

/// Carries it out.
///
/// # Errors
/// If a file cannot be read or written, or there is no trace in it.
pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Take { memory, out } => take(&memory, &out),
        Command::Show { file, out } => show_file(&file, &out),
    }
}

fn take(memory: &Path, out: &Path) -> Result<()> {
    let (records, dropped) = memory::ring(memory)?;
    let trace = Trace {
        schema: Schema::of_proto(),
        dropped,
        records,
    };
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(out, trace.to_bytes()).with_context(|| format!("cannot write {}", out.display()))
}

fn show_file(file: &Path, out: &Path) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let trace = Trace::from_bytes(&bytes).context("this is no trace file")?;
    let spans = spans(&trace);
    fs::create_dir_all(out)?;
    let write = |name: &str, content: String| {
        fs::write(out.join(name), content).with_context(|| format!("cannot write {name}"))
    };
    write("trace.html", page::page(&trace)?)?;
    write("trace.txt", text(&trace, &spans))?;
    write("trace.mmd", chart(&trace.schema, &spans))?;
    write("trace.json", perfetto::json(&trace.schema, &spans))?;
    eprintln!(
        "trace: {} records, {} dropped; look at {}",
        trace.records.len(),
        trace.dropped,
        out.join("trace.html").display()
    );
    Ok(())
}

/// All messages in the order in which they began.
pub fn spans(trace: &Trace) -> Vec<Span> {
    let mut story = Story::default();
    let mut spans: Vec<Span> = trace
        .records
        .iter()
        .filter_map(|record| story.add(record))
        .collect();
    spans.extend(story.rest());
    spans.sort_by_key(|span| span.begin.cycles);
    spans
}

/// The tree of all messages, then the sums.
fn text(trace: &Trace, spans: &[Span]) -> String {
    let (mut names, mut lines, mut summary) = (Names::default(), Vec::new(), Summary::default());
    for span in spans {
        show::tree(&trace.schema, span, &Style::FULL, &mut names, &mut lines);
        summary.add(&trace.schema, span);
    }
    let mut text = format!(
        "{} records, {} dropped. [instructions]\n\n",
        trace.records.len(),
        trace.dropped
    );
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&summary.show());
    text
}

/// A chart of the first messages of the last program that was started.
fn chart(schema: &Schema, spans: &[Span]) -> String {
    let start = spans
        .iter()
        .rposition(|span| span.end == trace::story::End::Started)
        .unwrap_or(0);
    let pid = spans.get(start).map_or(0, |span| span.begin.from_id);
    let mut chosen = Vec::new();
    let mut count = 0;
    for span in spans
        .iter()
        .skip(start)
        .filter(|span| span.begin.from_id == pid)
    {
        span.each(&mut |_, _| count += 1);
        if count > CHART_MESSAGES {
            break;
        }
        chosen.push(span.clone());
    }
    show::mermaid(schema, &chosen, Numbers::Exact)
}

/// Text as a JSON string.
fn json_string(text: &str) -> String {
    let mut json = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => json.extend(['\\', letter]),
            '\n' => json.push_str("\\n"),
            // Nothing in the page's script may look like its end.
            '<' => json.push_str("\\u003c"),
            control if control < ' ' => json.push_str(&format!("\\u{:04x}", control as u32)),
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `p1 > vfs.Open` of each message in a golden trace.
    fn messages(scene: &str) -> Vec<String> {
        let lines = scene.lines().map(str::trim_start);
        let messages = lines.filter_map(|line| {
            let (from, rest) = line.split_once(" > ")?;
            Some(format!("{from} > {}", rest.split_once('(')?.0))
        });
        messages.collect()
    }

    /// The same of a chart, where a copy's wait for its answer is a note.
    fn arrows(chart: &str) -> Vec<String> {
        let lines = chart.lines().map(str::trim);
        let arrows = lines.filter_map(|line| {
            if let Some(copy) = line.strip_prefix("Note over ") {
                return Some(format!("{} > proc.Fork", copy.split_once(':')?.0));
            }
            let (ends, text) = line.split_once(": ")?;
            let (from, to) = ends.split_once("->>").or(ends.split_once("-)"))?;
            let is_message = !from.ends_with('-') && !text.starts_with("starts the new");
            let name = text.split(' ').next()?;
            is_message.then(|| format!("{from} > {to}.{name}"))
        });
        arrows.collect()
    }

    #[test]
    fn in_golden_traces_servers_call_only_down() {
        let scenes = ["traces.scene", "trace-boot.scene"];
        let mut seen = 0;
        for scene in scenes {
            let path = crate::tree::root().join("qemu/scenes").join(scene);
            for message in messages(&fs::read_to_string(path).unwrap()) {
                let (from, to) = message.split_once(" > ").unwrap();
                let (to, name) = to.split_once('.').unwrap();
                let ranks = (crate::layers::rank(from), crate::layers::rank(to));
                if let (Some(from), Some(to)) = ranks
                    && name != "notify"
                {
                    assert!(from < to, "{message}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 20, "{seen}");
    }

    #[test]
    fn the_charts_in_the_readme_show_what_the_golden_traces_have() {
        let read = |path: &str| fs::read_to_string(crate::tree::root().join(path)).unwrap();
        let (flows, boot) = (
            read("qemu/scenes/traces.scene"),
            read("qemu/scenes/trace-boot.scene"),
        );
        let golden: Vec<_> = flows
            .split("\n$ trace ")
            .chain([boot.as_str()])
            .map(messages)
            .collect();
        let readme = read("libsys/trace/README.md");
        let charts: Vec<_> = readme.split("```mermaid").skip(1).collect();
        assert!(charts.len() >= 7);
        for chart in charts {
            let chart = arrows(chart.split("```").next().unwrap());
            let has = |golden: &Vec<String>| golden.windows(chart.len()).any(|part| part == chart);
            assert!(chart.len() > 2 && golden.iter().any(has), "{chart:#?}");
        }
    }

    #[test]
    fn a_trace_of_the_first_format_still_opens() {
        let trace = Trace::from_bytes(include_bytes!("first-format.trace")).unwrap();
        let text = text(&trace, &spans(&trace));
        let line = "root > mem.Create(space=tty, priority=28) = Thread(frame=";
        assert!(text.contains(line), "{text}");
        assert!(page::page(&trace).unwrap().contains("MapDevice"));
    }

    #[test]
    fn strings_cannot_break_out_of_the_script() {
        assert_eq!(
            json_string("a\"\n</script>\u{1}"),
            r#""a\"\n\u003c/script>\u0001""#
        );
    }
}
