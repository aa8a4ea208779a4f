//! A trace as one page that needs nothing else: records, schema, documentation, and the script that
//! draws them (`page.html`).
use super::json_string;
use super::source::{Place, linux_places, places};
use anyhow::Result;
use std::fmt::Write;
use trace::Schema;
use trace::file::Trace;
use trace::schema::{Kind, Variant};

const TEMPLATE: &str = include_str!("page.html");

/// The page.
///
/// # Errors
/// If the template lacks a place to fill.
pub fn page(trace: &Trace) -> Result<String> {
    let mut bytes = Vec::with_capacity(trace.records.len() * abi::trace::RECORD_BYTES);
    trace
        .records
        .iter()
        .for_each(|record| bytes.extend_from_slice(&record.to_bytes()));
    let mut page = TEMPLATE.to_owned();
    for (place, content) in [
        ("/*SCHEMA*/null", schema(&trace.schema)),
        ("/*LINUX*/{}", linux(&trace.schema)),
        ("/*DROPPED*/0", trace.dropped.to_string()),
        (
            "/*TITLE*/\"\"",
            json_string(&std::env::var("CMD").unwrap_or_default()),
        ),
        ("/*ERRNO*/{}", errnos()),
        ("/*RECORDS*/", base64(&bytes)),
    ] {
        anyhow::ensure!(page.contains(place), "the page has no place for {place}");
        page = page.replacen(place, &content, 1);
    }
    Ok(page)
}

fn schema(schema: &Schema) -> String {
    let services: Vec<String> = schema
        .services
        .iter()
        .map(|service| {
            let list = |variants: &[Variant], enumeration| {
                let places = places(&service.name, enumeration);
                let variants: Vec<String> = variants
                    .iter()
                    .map(|variant| {
                        let place = places.get(&variant.name).cloned().unwrap_or_default();
                        message(variant, &place)
                    })
                    .collect();
                format!("[{}]", variants.join(","))
            };
            format!(
                "{{\"name\":{},\"id\":{},\"requests\":{},\"replies\":{}}}",
                json_string(&service.name),
                service.id,
                list(&service.requests, "Request"),
                list(&service.replies, "Reply")
            )
        })
        .collect();
    format!("[{}]", services.join(",\n"))
}

/// `[["fd","s"],…]`: s signed, u unsigned, p process, b bool, i 32 bits signed, x hexadecimal, o octal,
/// `[names]` a choice, a number: so many follow or none; `text`, `filled`, `one` and `bits` as in [`Kind`].
fn fields(variant: &Variant) -> String {
    let fields: Vec<String> = variant
        .fields
        .iter()
        .map(|field| {
            let kind = match &field.kind {
                Kind::Signed => "\"s\"".into(),
                Kind::Unsigned => "\"u\"".into(),
                Kind::Process => "\"p\"".into(),
                Kind::Bool => "\"b\"".into(),
                Kind::Int => "\"i\"".into(),
                Kind::Hex => "\"x\"".into(),
                Kind::Octal => "\"o\"".into(),
                Kind::Text(lease) => format!("{{\"text\":{lease}}}"),
                Kind::Filled(lease) => format!("{{\"filled\":{lease}}}"),
                Kind::One(names) => format!("{{\"one\":{}}}", named(names)),
                Kind::Bits(names) => format!("{{\"bits\":{}}}", named(names)),
                Kind::Present(count) => count.to_string(),
                Kind::Choice(names) => {
                    let names: Vec<String> = names.iter().map(|name| json_string(name)).collect();
                    format!("[{}]", names.join(","))
                }
            };
            format!("[{},{kind}]", json_string(&field.name))
        })
        .collect();
    format!("[{}]", fields.join(","))
}

/// `[[2,"O_RDWR"],…]`.
fn named(names: &[(u64, String)]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|(value, name)| format!("[{value},{}]", json_string(name)))
        .collect();
    format!("[{}]", names.join(","))
}

/// `{"56":{…},…}`: the calls of Linux programs by number.
fn linux(schema: &Schema) -> String {
    let places = linux_places();
    let calls: Vec<String> = schema
        .linux
        .iter()
        .map(|known| {
            let place = places.get(&known.call.name).cloned().unwrap_or_default();
            format!("\"{}\":{}", known.number, message(&known.call, &place))
        })
        .collect();
    format!("{{{}}}", calls.join(",\n"))
}

/// One message with all that is known of it.
fn message(variant: &Variant, place: &Place) -> String {
    format!(
        "{{\"name\":{},\"fields\":{},\"doc\":{},\"declared\":{},\"handled\":{}}}",
        json_string(&variant.name),
        fields(variant),
        json_string(&place.documentation),
        json_string(&place.declared),
        json_string(&place.handled)
    )
}

fn errnos() -> String {
    let mut text = String::from("{");
    for number in 1..134u16 {
        let errno = abi::Errno(number);
        if errno.name() != "E?" {
            let _ = write!(
                text,
                "{}{number}:{}",
                if text.len() > 1 { "," } else { "" },
                json_string(&format!("{} ({})", errno.name(), errno.text()))
            );
        }
    }
    text + "}"
}

/// Base64 (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0u32, |group, &byte| group << 8 | u32::from(byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            match digit <= chunk.len() {
                true => text.push(char::from(
                    DIGITS[(group >> (18 - 6 * digit) & 63) as usize],
                )),
                false => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let table = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (text, code) in table {
            assert_eq!(base64(text.as_bytes()), code);
        }
    }

    #[test]
    fn the_page_is_filled() {
        let trace = Trace {
            schema: Schema::of_proto(),
            ..Trace::default()
        };
        let page = page(&trace).unwrap();
        assert!(!page.contains("/*SCHEMA*/") && page.contains("\"MakeDirectory\""));
        assert!(
            page.contains(
                r#""name":"openat","fields":[["dirfd",{"one":[[4294967196,"AT_FDCWD"]]}]"#
            )
        );
    }
}
