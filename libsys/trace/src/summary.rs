//! How often each message was sent, and what it cost.

use crate::schema::Schema;
use crate::story::Span;
use crate::text::{Numbers, request};
use abi::trace::kind;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use proto::wire::ERRNO_LABEL;

/// The sums of one kind of message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How often it was sent.
    pub count: u64,
    /// How often the answer was an error.
    pub errors: u64,
    /// Messages sent on its behalf.
    pub nested: u64,
    /// Cycles from call to reply.
    pub cycles: u64,
    /// Cycles without the messages on its behalf.
    pub own: u64,
}

/// Sums by message: server, then name.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    sums: BTreeMap<(String, String), Sum>,
}

impl Summary {
    /// Adds a message and all below it.
    pub fn add(&mut self, schema: &Schema, root: &Span) {
        root.each(&mut |span, _| {
            let Some(key) = key(schema, span) else { return };
            let sum = self.sums.entry(key).or_default();
            let mut below = 0;
            span.each(&mut |_, depth| below += u64::from(depth > 0));
            sum.count += 1;
            sum.nested += below;
            sum.cycles += span.cycles();
            sum.own += span.own_cycles();
            if let crate::story::End::Reply(label, _) = span.end {
                let is_error = match span.begin.kind {
                    kind::CALL => label > ERRNO_LABEL,
                    kind::REFLECTED => (-4095..0).contains(&(label as i64)),
                    _ => false,
                };
                sum.errors += u64::from(is_error);
            }
        });
    }

    /// The sums by message: server, name, sum.
    pub fn messages(&self) -> impl Iterator<Item = (&str, &str, Sum)> {
        (self.sums.iter()).map(|((server, name), sum)| (server.as_str(), name.as_str(), *sum))
    }

    /// The sums by server.
    pub fn servers(&self) -> Vec<(&str, Sum)> {
        let mut servers: BTreeMap<&str, Sum> = BTreeMap::new();
        for ((server, _), sum) in &self.sums {
            let all = servers.entry(server).or_default();
            all.count += sum.count;
            all.errors += sum.errors;
            all.nested += sum.nested;
            all.cycles += sum.cycles;
            all.own += sum.own;
        }
        servers.into_iter().collect()
    }

    /// Two tables: by message, dearest first, and by server.
    pub fn show(&self) -> String {
        let mut rows: Vec<_> = self.sums.iter().collect();
        rows.sort_by_key(|(key, sum)| (core::cmp::Reverse(sum.own), (*key).clone()));
        let total: u64 = rows.iter().map(|(_, sum)| sum.own).sum();
        let mut text = String::from("% own  own instr    instr  nested  calls  errors  message\n");
        for ((server, name), sum) in rows {
            line(&mut text, total, sum, &format!("{server}.{name}"));
        }
        text.push_str("\n% own  own instr    instr  nested  calls  errors  server\n");
        for (server, sum) in self.servers() {
            line(&mut text, total, &sum, server);
        }
        text
    }
}

fn line(text: &mut String, total: u64, sum: &Sum, name: &str) {
    let share = (sum.own * 1000).checked_div(total).unwrap_or(0);
    let Sum {
        count,
        errors,
        nested,
        cycles,
        own,
    } = sum;
    let _ = writeln!(
        text,
        "{:>3}.{} {own:>10} {cycles:>8} {nested:>7} {count:>6} {errors:>7}  {name}",
        share / 10,
        share % 10
    );
}

fn key(schema: &Schema, span: &Span) -> Option<(String, String)> {
    let server = schema.name(span.to_id);
    match span.begin.kind {
        kind::CALL | kind::INHERIT => {
            let (name, _) = request(
                schema,
                span.to_id,
                span.begin.label,
                &span.begin.words,
                Numbers::Exact,
            );
            Some((server, name))
        }
        kind::FAULT => Some((server, "fault".into())),
        kind::EXCEPTION => Some((server, "exception".into())),
        kind::REFLECTED => {
            let call = schema.linux_call(span.begin.label);
            let name = call.map_or(format!("call{}", span.begin.label), |call| {
                call.name.clone()
            });
            Some(("linux".into(), name))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Story;
    use abi::trace::Record;
    use proto::server_id;

    #[test]
    fn nested_messages_count_for_themselves_and_for_what_they_are_part_of() {
        let (vfs, mem) = (server_id::VFS.0, server_id::MEM.0);
        let mut story = Story::default();
        let call = |span, cause, to_id, cycles| Record {
            kind: kind::CALL,
            span,
            cause,
            to_id,
            cycles,
            ..Record::default()
        };
        let reply = |span, cycles, label| Record {
            kind: kind::REPLY,
            span,
            cause: span,
            cycles,
            label,
            ..Record::default()
        };
        story.add(&call(1, 0, vfs, 0));
        story.add(&call(2, 1, mem, 10));
        story.add(&reply(2, 30, 0));
        let span = story.add(&reply(1, 100, ERRNO_LABEL + 2)).unwrap();
        let mut summary = Summary::default();
        summary.add(&Schema::of_proto(), &span);
        let servers = summary.servers();
        assert_eq!(
            servers[0],
            (
                "mem",
                Sum {
                    count: 1,
                    errors: 0,
                    nested: 0,
                    cycles: 20,
                    own: 20
                }
            )
        );
        assert_eq!(
            servers[1],
            (
                "vfs",
                Sum {
                    count: 1,
                    errors: 1,
                    nested: 1,
                    cycles: 100,
                    own: 80
                }
            )
        );
        assert!(summary.show().contains("80.0"));
    }
}
