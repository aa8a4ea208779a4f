//! Lists directories.
//!
//! `-l` with all details, `-a` with names that begin with a dot, `-1` one a line, `-R` with all
//! below, `-d` directories themselves, `-i` with file numbers, `-F` with marks behind the names.
#![no_std]
#![no_main]

use libsys::{
    file::{self, Metadata},
    prelude::*,
    time::Date,
};
use programs::{Tool, calendar, join, mode, names, show, users};

libsys::main!(main);

struct Item {
    name: Vec<u8>,
    path: Vec<u8>,
    data: Metadata,
}

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "la1AdiRFhtr");
    let operands = if tool.operands.is_empty() {
        vec![b".".as_slice()]
    } else {
        tool.operands.clone()
    };
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for path in operands {
        let Some(item) = look(&mut tool, path, path.to_vec()) else {
            continue;
        };
        // A link to a directory is followed, unless its own details are wanted.
        let is_directory = match tool.has(b'l') {
            true => item.data.is_directory(),
            false => file::stat(path).is_ok_and(|data| data.is_directory()),
        };
        if is_directory && !tool.has(b'd') {
            directories.push(item.path)
        } else {
            files.push(item)
        }
    }
    print_items(&tool, &files);
    let titles = files.len() + directories.len() > 1 || tool.has(b'R');
    for (at, path) in directories.iter().enumerate() {
        if at > 0 || !files.is_empty() {
            println!();
        }
        list(&mut tool, path, titles);
    }
    tool.status()
}

fn look(tool: &mut Tool, name: &[u8], path: Vec<u8>) -> Option<Item> {
    let data = tool.check(&path, file::lstat(&path))?;
    Some(Item {
        name: name.to_vec(),
        path,
        data,
    })
}

fn list(tool: &mut Tool, path: &[u8], title: bool) {
    if title {
        println!("{}:", show(path));
    }
    let Some(mut found) = tool.check(path, names(path)) else {
        return;
    };
    if tool.has(b'a') {
        found.splice(0..0, [b".".to_vec(), b"..".to_vec()]);
    } else if !tool.has(b'A') {
        found.retain(|name| !name.starts_with(b"."));
    }
    let mut items: Vec<Item> = Vec::new();
    for name in found {
        let path = join(path, &name);
        match file::lstat(&path) {
            // Gone since the directory was read.
            Err(Errno::ENOENT) => {}
            Err(errno) => tool.fail(&path, errno),
            Ok(data) => items.push(Item { name, path, data }),
        }
    }
    if tool.has(b't') {
        items.sort_by_key(|item| core::cmp::Reverse(item.data.modified_ns));
    }
    if tool.has(b'r') {
        items.reverse();
    }
    print_items(tool, &items);
    if tool.has(b'R') {
        let below = items
            .iter()
            .filter(|item| item.data.is_directory() && item.name != b"." && item.name != b"..");
        for item in below {
            println!();
            list(tool, &item.path, true);
        }
    }
}

fn print_items(tool: &Tool, items: &[Item]) {
    if tool.has(b'l') {
        let width = items
            .iter()
            .map(|item| size(&item.data).len())
            .max()
            .unwrap_or(0);
        return items.iter().for_each(|item| print_long(tool, item, width));
    }
    let cells: Vec<String> = items.iter().map(|item| cell(tool, item)).collect();
    match terminal_columns() {
        Some(columns) if !tool.has(b'1') => print_columns(&cells, columns),
        _ => cells.iter().for_each(|cell| println!("{cell}")),
    }
}

/// Width of the terminal that is written to; `None` if it is none, or its width is unknown.
fn terminal_columns() -> Option<usize> {
    let (_, columns) = file::window_size(1).ok()?;
    (columns > 0).then_some(usize::from(columns))
}

/// Fills columns from top to bottom, as many as fit the terminal.
fn print_columns(cells: &[String], columns: usize) {
    let width = cells
        .iter()
        .map(|cell| cell.chars().count())
        .max()
        .unwrap_or(0)
        + 2;
    let rows = cells.len().div_ceil((columns / width).max(1));
    for row in 0..rows {
        let line: String = cells
            .iter()
            .skip(row)
            .step_by(rows)
            .map(|cell| format!("{cell:width$}"))
            .collect();
        println!("{}", line.trim_end());
    }
}

fn cell(tool: &Tool, item: &Item) -> String {
    let inode = if tool.has(b'i') {
        format!("{} ", item.data.inode)
    } else {
        String::new()
    };
    let mark = match (tool.has(b'F'), mode::kind_letter(item.data.mode)) {
        (true, 'd') => "/",
        (true, 'l') => "@",
        (true, 'p') => "|",
        (true, '-') if item.data.mode & 0o111 != 0 => "*",
        _ => "",
    };
    format!("{inode}{}{mark}", show(&item.name))
}

/// The size, or a device's numbers.
fn size(data: &Metadata) -> String {
    match mode::kind_letter(data.mode) {
        'c' | 'b' => format!(
            "{}, {}",
            data.special_device >> 8 & 0xfff,
            data.special_device & 0xff
        ),
        _ => data.bytes.to_string(),
    }
}

fn print_long(tool: &Tool, item: &Item, width: usize) {
    let data = &item.data;
    let date = calendar::text(&Date::from_ns(data.modified_ns), "%b %e %H:%M");
    let target = match data.is_symbolic_link() {
        true => file::readlink(&item.path)
            .map_or(String::new(), |target| format!(" -> {}", show(&target))),
        false => String::new(),
    };
    println!(
        "{} {:2} {} {} {:>width$} {date} {}{target}",
        mode::text(data.mode),
        data.links,
        users::user_name(data.uid),
        users::group_name(data.gid),
        size(data),
        cell(tool, item)
    );
}
