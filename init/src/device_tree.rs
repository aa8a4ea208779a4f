//! Devices in the device tree (Devicetree Specification 0.4): where their registers are.

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::standard::{NodeStandard, Status};
use dtoolkit::{Node, Property};

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Physical address of its registers.
    pub address: u64,
    /// Length of the registers, in bytes.
    pub bytes: u64,
    /// Its first interrupt as the interrupt controller counts; 0 if it has none.
    pub irq: u32,
}

/// First shared interrupt of the interrupt controllers of the Arm family (Arm IHI 0048B, 1.4).
const FIRST_SHARED: u32 = 32;
/// First private one of a processor for devices (the same).
const FIRST_PRIVATE: u32 = 16;

/// The interrupt controller of the Raspberry Pi 3's peripherals.
const BANKED: &str = "brcm,bcm2836-armctrl-ic";

/// The first usable device that is `compatible`, directly below the root or on a bus there.
pub fn find(tree: &[u8], compatible: &str) -> Option<Device> {
    // The tree ends where its header says; the pages that it came in may not.
    let size = u32::from_be_bytes(*tree.get(4..)?.first_chunk()?);
    let tree = Fdt::new(tree.get(..size as usize)?).ok()?;
    let fits =
        |node: &FdtNode<'_>| node.is_compatible(compatible) && node.status() == Ok(Status::Okay);
    let at_root = tree.root().children().find(fits).map(|node| (node, None));
    let (node, bus) = at_root.or_else(|| {
        let is_bus = |node: &FdtNode<'_>| node.is_compatible("simple-bus");
        let mut buses = tree.root().children().filter(is_bus);
        buses.find_map(|bus| Some((bus.children().find(fits)?, Some(bus))))
    })?;
    let register = node.reg().ok().flatten()?.next()?;
    let address = register.address().ok()?;
    let banked = on_any_bus(&tree, BANKED);
    Some(Device {
        address: match bus {
            Some(bus) => translate(bus, address)?,
            None => address,
        },
        bytes: register.size().ok()?,
        irq: match banked {
            true => banked_interrupt(node),
            false => interrupt(node),
        }
        .unwrap_or(0),
    })
}

/// Whether a bus below the root has a device that is `compatible`.
fn on_any_bus(tree: &Fdt<'_>, compatible: &str) -> bool {
    let has = |bus: FdtNode<'_>| bus.children().any(|node| node.is_compatible(compatible));
    tree.root().children().any(has)
}

/// What an address on a bus is for the processor: the bus says so in `ranges`, and an empty one
/// says that nothing changes (2.3.8).
fn translate(bus: FdtNode<'_>, address: u64) -> Option<u64> {
    if bus.property("ranges")?.value().is_empty() {
        return Some(address);
    }
    bus.ranges().ok()??.find_map(|window| {
        let offset = address.checked_sub(window.child_bus_address().ok()?)?;
        let inside = offset < window.length::<u64>().ok()?;
        window
            .parent_bus_address::<u64>()
            .ok()?
            .checked_add(offset)
            .filter(|_| inside)
    })
}

/// The first interrupt on the Raspberry Pi 3: bank, bit. The kernel numbers them through.
fn banked_interrupt(node: FdtNode<'_>) -> Option<u32> {
    let property = node.property("interrupts")?;
    let (cells, _) = property.value().as_chunks::<4>();
    let cell = |index: usize| cells.get(index).map(|cell| u32::from_be_bytes(*cell));
    cell(0)?.checked_mul(32)?.checked_add(cell(1)?)
}

/// The first interrupt: kind (0 shared, 1 private), number, flags.
fn interrupt(node: FdtNode<'_>) -> Option<u32> {
    let property = node.property("interrupts")?;
    let (cells, _) = property.value().as_chunks::<4>();
    let cell = |index: usize| cells.get(index).map(|cell| u32::from_be_bytes(*cell));
    match (cell(0)?, cell(1)?) {
        (0, number) => FIRST_SHARED.checked_add(number),
        (1, number) => FIRST_PRIVATE.checked_add(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `/dts-v1/; / { #address-cells = <2>; #size-cells = <2>; pl011@9000000 { compatible =
    /// "arm,pl011", "arm,primecell"; reg = <0 0x9000000 0 0x1000>; interrupts = <0 1 4>; }; };`
    fn tree() -> Vec<u8> {
        let mut strings = Vec::new();
        let mut structure = Vec::new();
        let word = |out: &mut Vec<u8>, word: u32| out.extend_from_slice(&word.to_be_bytes());
        let mut property = |out: &mut Vec<u8>, name: &str, value: &[u8]| {
            for field in [3, value.len() as u32, strings.len() as u32] {
                word(out, field);
            }
            out.extend_from_slice(value);
            out.resize(out.len().next_multiple_of(4), 0);
            strings.extend_from_slice(name.as_bytes());
            strings.push(0);
        };
        let cells = |cells: &[u32]| {
            cells
                .iter()
                .flat_map(|cell| cell.to_be_bytes())
                .collect::<Vec<u8>>()
        };
        word(&mut structure, 1);
        word(&mut structure, 0);
        property(&mut structure, "#address-cells", &cells(&[2]));
        property(&mut structure, "#size-cells", &cells(&[2]));
        word(&mut structure, 1);
        structure.extend_from_slice(b"pl011@9000000\0\0\0");
        property(&mut structure, "compatible", b"arm,pl011\0arm,primecell\0");
        property(&mut structure, "reg", &cells(&[0, 0x900_0000, 0, 0x1000]));
        property(&mut structure, "interrupts", &cells(&[0, 1, 4]));
        for token in [2, 2, 9] {
            word(&mut structure, token);
        }
        let (header, reservations) = (40, 16);
        let strings_at = header + reservations + structure.len();
        let total = strings_at + strings.len();
        let mut out = Vec::new();
        for field in [
            0xd00d_feed,
            total,
            header + reservations,
            strings_at,
            header,
            17,
            16,
            0,
            strings.len(),
            structure.len(),
        ] {
            word(&mut out, field as u32);
        }
        out.resize(header + reservations, 0);
        out.extend(structure);
        out.extend(strings);
        out
    }

    #[test]
    fn a_device_is_found_with_registers_and_interrupt() {
        let device = Device {
            address: 0x900_0000,
            bytes: 0x1000,
            irq: 33,
        };
        assert_eq!(find(&tree(), "arm,pl011"), Some(device));
        assert_eq!(find(&tree(), "arm,primecell"), Some(device));
    }

    #[test]
    fn what_follows_the_tree_in_its_last_page_does_not_matter() {
        let mut pages = tree();
        pages.resize(4096, 0);
        assert!(find(&pages, "arm,pl011").is_some());
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert_eq!(find(&tree(), "arm,pl031"), None);
        assert_eq!(find(&[], "arm,pl011"), None);
        assert_eq!(find(&[0; 64], "arm,pl011"), None);
    }
}
