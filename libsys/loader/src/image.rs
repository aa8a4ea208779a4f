//! ELF files: which parts go where, with which permissions.
//!
//! A plan that is returned is safe to carry out as it is: its segments are in ascending order, share
//! no page, lie inside the image area and inside the file.

use abi::addr::{PAGE_BYTES, page_down, page_up};
use abi::{Errno, layout};
use alloc::vec::Vec;
use elf::abi as format;
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::segment::{ProgramHeader, SegmentTable};
use proto::mem::{ObjectId, Prot, Segment};

/// Bytes of an ELF64 file header.
const FILE_HEADER_BYTES: usize = 64;
/// Bytes of an ELF64 program header.
const PROGRAM_HEADER_BYTES: usize = 56;
/// Lowest address that a program may use, so that null pointers fault (Linux: `mmap_min_addr`).
const LOWEST_ADDRESS: u64 = 0x1_0000;

/// Where a file's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileAt {
    /// The object that holds them.
    pub object: ObjectId,
    /// Where in the object the file starts; page-aligned.
    pub offset: u64,
    /// The file's length.
    pub bytes: u64,
}

/// How to make a process of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What to map.
    pub segments: Vec<Segment>,
    /// First instruction.
    pub entry: u64,
    /// What was added to the file's addresses (`AT_BASE` of an interpreter).
    pub bias: u64,
    /// Address of the program headers in memory; 0 if no segment holds them.
    pub headers: u64,
    /// Number of program headers.
    pub header_count: u64,
    /// First page behind the image, where the heap starts.
    pub heap: u64,
    /// Path of the interpreter (dynamic linker) that the file asks for, without final zero byte.
    pub interpreter: Option<Vec<u8>>,
    /// Whose calls the program makes.
    pub calls: Calls,
}

/// Whose calls a program makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// The kernel's: it was linked with `libsys`, whose linker script marks it.
    Native,
    /// Linux's: it needs the personality in its space.
    Linux,
}

/// Size of one program header, for `AT_PHENT`.
pub const HEADER_ENTRY_BYTES: u64 = PROGRAM_HEADER_BYTES as u64;

/// Plans the program whose first bytes are `header`; `bias` is added to the addresses of a
/// position-independent one.
///
/// # Errors
/// `ENOEXEC` if it is no static or position-independent ELF64 program for AArch64, is malformed, or
/// has segments that overlap.
pub fn plan(header: &[u8], file: FileAt, bias: u64) -> Result<Plan, Errno> {
    let elf = file_header(header)?;
    let bias = match elf.e_type {
        format::ET_EXEC => 0,
        format::ET_DYN => bias,
        _ => return Err(Errno::ENOEXEC),
    };
    let headers = program_headers(&elf, header)?;
    let segments = segments(&headers, file, bias)?;
    let entry = elf.e_entry.checked_add(bias).ok_or(Errno::ENOEXEC)?;
    if !segments
        .iter()
        .any(|segment| segment.prot & EXECUTE != 0 && holds(segment, entry))
    {
        return Err(Errno::ENOEXEC);
    }

    let last = segments.last().ok_or(Errno::ENOEXEC)?;
    let heap = end(last)?;
    Ok(Plan {
        headers: address_of_headers(&elf, &segments, file),
        header_count: u64::from(elf.e_phnum),
        interpreter: interpreter(&headers, header)?,
        calls: calls(&headers),
        segments,
        entry,
        bias,
        heap,
    })
}

/// `PROT_READ`, `PROT_WRITE`, `PROT_EXEC` of Linux, as in [`Prot`].
const READ: Prot = 1;
const WRITE: Prot = 2;
const EXECUTE: Prot = 4;

fn file_header(header: &[u8]) -> Result<FileHeader<LittleEndian>, Errno> {
    let (ident, tail) = header
        .get(..FILE_HEADER_BYTES)
        .and_then(|bytes| bytes.split_at_checked(format::EI_NIDENT))
        .ok_or(Errno::ENOEXEC)?;
    let ident = parse_ident::<LittleEndian>(ident).map_err(|_| Errno::ENOEXEC)?;
    if ident.1 != Class::ELF64 {
        return Err(Errno::ENOEXEC);
    }

    let elf = FileHeader::parse_tail(ident, tail).map_err(|_| Errno::ENOEXEC)?;
    if elf.e_machine != format::EM_AARCH64 || usize::from(elf.e_phentsize) != PROGRAM_HEADER_BYTES {
        return Err(Errno::ENOEXEC);
    }
    Ok(elf)
}

fn program_headers(
    elf: &FileHeader<LittleEndian>,
    header: &[u8],
) -> Result<Vec<ProgramHeader>, Errno> {
    let start = usize::try_from(elf.e_phoff).map_err(|_| Errno::ENOEXEC)?;
    let bytes = usize::from(elf.e_phnum) * PROGRAM_HEADER_BYTES;
    let end = start.checked_add(bytes).ok_or(Errno::ENOEXEC)?;
    let table = header.get(start..end).ok_or(Errno::ENOEXEC)?;

    Ok(SegmentTable::new(LittleEndian, Class::ELF64, table)
        .iter()
        .collect())
}

fn segments(headers: &[ProgramHeader], file: FileAt, bias: u64) -> Result<Vec<Segment>, Errno> {
    let mut segments: Vec<Segment> = Vec::new();
    for header in headers
        .iter()
        .filter(|header| header.p_type == format::PT_LOAD && header.p_memsz != 0)
    {
        let segment = segment(header, file, bias)?;
        let above = segments.last().map_or(Ok(LOWEST_ADDRESS), end)?;
        if page_down(segment.address) < above {
            return Err(Errno::ENOEXEC);
        }
        segments.push(segment);
    }
    Ok(segments)
}

fn segment(header: &ProgramHeader, file: FileAt, bias: u64) -> Result<Segment, Errno> {
    let file_end = header
        .p_offset
        .checked_add(header.p_filesz)
        .ok_or(Errno::ENOEXEC)?;
    let address = header.p_vaddr.checked_add(bias).ok_or(Errno::ENOEXEC)?;
    let offset = header
        .p_offset
        .checked_add(file.offset)
        .ok_or(Errno::ENOEXEC)?;
    // A segment of zeros alone may name any place in the file.
    let malformed = (header.p_filesz > 0 && file_end > file.bytes)
        || header.p_filesz > header.p_memsz
        || address % PAGE_BYTES != offset % PAGE_BYTES;
    if malformed {
        return Err(Errno::ENOEXEC);
    }

    let segment = Segment {
        address,
        bytes: header.p_memsz,
        object: file.object,
        offset,
        file_bytes: header.p_filesz,
        prot: prot(header.p_flags),
    };
    let end = end(&segment)?;
    let stack = layout::STACK_TOP - layout::STACK_BYTES;
    let below_stack = end <= stack;
    let above_stack = address >= layout::STACK_TOP && end <= layout::USER_END;
    (below_stack || above_stack)
        .then_some(segment)
        .ok_or(Errno::ENOEXEC)
}

fn prot(flags: u32) -> Prot {
    [
        (format::PF_R, READ),
        (format::PF_W, WRITE),
        (format::PF_X, EXECUTE),
    ]
    .into_iter()
    .filter(|(flag, _)| flags & flag != 0)
    .fold(0, |prot, (_, bit)| prot | bit)
}

/// First page behind a segment.
fn end(segment: &Segment) -> Result<u64, Errno> {
    segment
        .address
        .checked_add(segment.bytes)
        .and_then(page_up)
        .ok_or(Errno::ENOEXEC)
}

/// Only valid for segments that [`segment`] has checked: their end does not overflow.
fn holds(segment: &Segment, address: u64) -> bool {
    (segment.address..segment.address + segment.bytes).contains(&address)
}

/// The program finds its own headers (for thread-local storage and relocation) where the segment
/// that maps their part of the file has them.
fn address_of_headers(elf: &FileHeader<LittleEndian>, segments: &[Segment], file: FileAt) -> u64 {
    let Some(wanted) = elf.e_phoff.checked_add(file.offset) else {
        return 0;
    };
    segments
        .iter()
        .find(|segment| wanted >= segment.offset && wanted - segment.offset < segment.file_bytes)
        .map_or(0, |segment| segment.address + (wanted - segment.offset))
}

fn calls(headers: &[ProgramHeader]) -> Calls {
    let native = |header: &ProgramHeader| header.p_type == layout::NATIVE_HEADER;
    if headers.iter().any(native) {
        Calls::Native
    } else {
        Calls::Linux
    }
}

fn interpreter(headers: &[ProgramHeader], header: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    let Some(found) = headers
        .iter()
        .find(|header| header.p_type == format::PT_INTERP)
    else {
        return Ok(None);
    };
    let start = usize::try_from(found.p_offset).map_err(|_| Errno::ENOEXEC)?;
    let bytes = usize::try_from(found.p_filesz).map_err(|_| Errno::ENOEXEC)?;
    let end = start.checked_add(bytes).ok_or(Errno::ENOEXEC)?;
    let text = header.get(start..end).ok_or(Errno::ENOEXEC)?;
    match text.split_last() {
        Some((0, path)) if !path.is_empty() && !path.contains(&0) => Ok(Some(path.to_vec())),
        _ => Err(Errno::ENOEXEC),
    }
}
