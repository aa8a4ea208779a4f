//! Dates as text, as `date` and `ls -l` show them.

use alloc::{format, string::String};
use libsys::time::Date;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// The text for a letter of `date +%…`.
fn field(date: &Date, letter: char) -> Option<String> {
    Some(match letter {
        'Y' => format!("{}", date.year),
        'y' => format!("{:02}", date.year % 100),
        'm' => format!("{:02}", date.month),
        'd' => format!("{:02}", date.day),
        'e' => format!("{:2}", date.day),
        'H' => format!("{:02}", date.hour),
        'M' => format!("{:02}", date.minute),
        'S' => format!("{:02}", date.second),
        'u' => format!("{}", if date.weekday == 0 { 7 } else { date.weekday }),
        'a' => String::from(DAYS[date.weekday as usize % 7]),
        'b' => String::from(MONTHS[date.month.saturating_sub(1) as usize % 12]),
        'Z' => String::from("UTC"),
        'F' => text(date, "%Y-%m-%d"),
        'T' => text(date, "%H:%M:%S"),
        'n' => String::from("\n"),
        '%' => String::from("%"),
        _ => return None,
    })
}

/// The date in a format: `%` and a letter is a field, anything else stands for itself.
pub fn text(date: &Date, format: &str) -> String {
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('%', Some(name)) => {
                letters.next();
                match field(date, name) {
                    Some(value) => text.push_str(&value),
                    None => text.extend(['%', name]),
                }
            }
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_date() {
        let date = Date::from_ns(951_827_696 * 1_000_000_000);
        assert_eq!(
            text(&date, "%a %b %e %T %Z %Y"),
            "Tue Feb 29 12:34:56 UTC 2000"
        );
        assert_eq!(text(&date, "%F 100%% %q %"), "2000-02-29 100% %q %");
    }
}
