//! A trace as JSON that Perfetto and Chrome open: a track for each thread, a slice for each message on
//! its sender's track, an arrow to its receiver's. One unit of time is one instruction, called a
//! nanosecond.
use super::json_string;
use abi::trace::kind;
use std::collections::BTreeSet;
use std::fmt::Write;
use trace::show::{arguments, outcome};
use trace::text::Numbers;
use trace::{Schema, Span};

/// All messages.
pub fn json(schema: &Schema, spans: &[Span]) -> String {
    let mut events = Vec::new();
    let mut tracks = BTreeSet::new();
    for span in spans {
        span.each(&mut |span, _| {
            let track = match span.begin.kind {
                kind::INHERIT => span.begin.to_id,
                _ => span.begin.from_id,
            };
            tracks.insert(track);
            if span.begin.kind != kind::REFLECTED {
                tracks.insert(span.to_id);
            }
            events.push(slice(schema, span, track));
        });
    }
    let names = tracks.into_iter().map(|id| {
        format!(
            r#"{{"ph":"M","name":"process_name","pid":{id},"tid":{id},"args":{{"name":{}}}}}"#,
            json_string(&schema.name(id))
        )
    });
    let all: Vec<String> = names.chain(events).collect();
    format!(
        "{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{}\n]}}\n",
        all.join(",\n")
    )
}

fn slice(schema: &Schema, span: &Span, track: u32) -> String {
    let (name, fields) = arguments(schema, span, Numbers::Exact);
    let owner = match span.begin.kind {
        kind::REFLECTED => "linux".into(),
        _ => schema.name(span.to_id),
    };
    let title = json_string(&format!("{owner}.{name}"));
    let (start, length) = (micros(span.begin.cycles), micros(span.cycles()));
    let mut text = String::new();
    let _ = write!(
        text,
        r#"{{"ph":"X","name":{title},"pid":{track},"tid":{track},"ts":{start},"dur":{length},"args":{{"fields":{},"reply":{},"span":{},"cause":{}}}}}"#,
        json_string(&fields),
        json_string(&outcome(schema, span, Numbers::Exact)),
        span.id,
        span.begin.cause
    );
    text
}

/// Microseconds, which the format counts in, with three digits behind the point.
fn micros(cycles: u64) -> String {
    format!("{}.{:03}", cycles / 1000, cycles % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_every_instruction() {
        assert_eq!(micros(1_234_005), "1234.005");
    }
}
