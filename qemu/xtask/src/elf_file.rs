//! What booting needs of ELF files: the kernel as a flat image, programs without debug sections.
use anyhow::{Context, Result, bail};
use elf::ElfBytes;
use elf::abi::{EM_AARCH64, PT_LOAD};
use elf::endian::LittleEndian;
use elf::segment::ProgramHeader;

/// Largest flat image that is believed, in bytes: a wild address in a linker script ends here.
const IMAGE_LIMIT: u64 = 64 << 20;

/// Lays the loadable segments out as they are in memory, from the lowest address on.
///
/// # Errors
/// If it is no AArch64 ELF file, or does not begin with the header of a Linux kernel image
/// (Linux, "Documentation/arch/arm64/booting.rst", 4), which is what QEMU and boot loaders ask for.
pub fn flat_image(file: &[u8]) -> Result<Vec<u8>> {
    let segments = loadable(file)?;
    let start = segments
        .iter()
        .map(|segment| segment.p_vaddr)
        .min()
        .context("nothing to load")?;
    let mut image = Vec::new();
    for segment in &segments {
        let offset = segment.p_vaddr - start;
        if offset + segment.p_filesz > IMAGE_LIMIT {
            bail!(
                "segment at {:#x} is too far from {start:#x}",
                segment.p_vaddr
            );
        }
        let end = (offset + segment.p_filesz) as usize;
        if image.len() < end {
            image.resize(end, 0);
        }
        image[offset as usize..end].copy_from_slice(content(file, segment)?);
    }
    if image.get(56..60) != Some(b"ARM\x64") {
        bail!("the kernel does not begin with the header of a Linux image");
    }
    Ok(image)
}

/// Drops what is not loaded: sections, symbols, debug information.
///
/// # Errors
/// If it is no AArch64 ELF file.
pub fn strip(file: &[u8]) -> Result<Vec<u8>> {
    let segments = loadable(file)?;
    let elf = parse(file)?;
    let headers_end =
        elf.ehdr.e_phoff + u64::from(elf.ehdr.e_phnum) * u64::from(elf.ehdr.e_phentsize);
    let end = segments
        .iter()
        .map(|segment| segment.p_offset + segment.p_filesz)
        .max()
        .unwrap_or(0);
    let mut stripped = file
        .get(..end.max(headers_end) as usize)
        .context("truncated ELF file")?
        .to_vec();
    // e_shoff, then e_shnum and e_shstrndx (ELF-64 header): there are no sections any more.
    stripped[40..48].fill(0);
    stripped[60..64].fill(0);
    Ok(stripped)
}

fn parse(file: &[u8]) -> Result<ElfBytes<'_, LittleEndian>> {
    let elf = ElfBytes::<LittleEndian>::minimal_parse(file).context("not an ELF file")?;
    if elf.ehdr.e_machine != EM_AARCH64 {
        bail!("not for AArch64");
    }
    Ok(elf)
}

fn loadable(file: &[u8]) -> Result<Vec<ProgramHeader>> {
    let segments = parse(file)?.segments().context("no program headers")?;
    Ok(segments
        .iter()
        .filter(|segment| segment.p_type == PT_LOAD)
        .collect())
}

fn content<'a>(file: &'a [u8], segment: &ProgramHeader) -> Result<&'a [u8]> {
    let (start, length) = (segment.p_offset as usize, segment.p_filesz as usize);
    file.get(start..start + length)
        .context("truncated ELF file")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF file with two segments of 64 and 4 bytes, the second 16 bytes behind the first.
    fn sample() -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..20].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0");
        file[20] = 1;
        file[32] = 64;
        file[40] = 176;
        file[52..62].copy_from_slice(&[64, 0, 56, 0, 2, 0, 64, 0, 1, 0]);
        for (offset, address, size) in [(176u64, 0x8000_0000u64, 64u64), (240, 0x8000_0050, 4)] {
            file.extend_from_slice(&[1, 0, 0, 0, 5, 0, 0, 0]);
            for field in [offset, address, address, size, size, 4096] {
                file.extend_from_slice(&field.to_le_bytes());
            }
        }
        file.extend_from_slice(&[0xaa; 56]);
        file.extend_from_slice(b"ARM\x64\xaa\xaa\xaa\xaa");
        file.extend_from_slice(b"data and then debug information");
        file
    }

    #[test]
    fn segments_lie_in_the_image_as_in_memory() {
        let file = sample();
        let image = flat_image(&file).unwrap();
        assert_eq!(image.len(), 0x54);
        assert_eq!(&image[64..80], &[0; 16]);
        assert_eq!(&image[80..], b"data");
    }

    #[test]
    fn an_image_without_the_linux_header_is_refused() {
        let mut file = sample();
        file[176 + 56] = 0;
        assert!(flat_image(&file).is_err());
    }

    #[test]
    fn stripping_keeps_segments_and_drops_the_rest() {
        let file = sample();
        let stripped = strip(&file).unwrap();
        assert_eq!(stripped.len(), 244);
        assert_eq!(stripped[40], 0);
        assert_eq!(parse(&stripped).unwrap().ehdr.e_shnum, 0);
    }

    #[test]
    fn what_is_no_elf_file_is_refused() {
        assert!(strip(b"#!/bin/sh\n").is_err());
        assert!(flat_image(&[]).is_err());
    }
}
