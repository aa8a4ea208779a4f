//! Reads what the kernel needs from the device tree (Devicetree Specification 0.4).

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::standard::{NodeStandard, Status};
use dtoolkit::{Node, Property};
use kernel_core::ranges::{Range, Ranges};

use super::{Entry, InterruptController, Platform};
use crate::arch::mmu;
use crate::arch::psci::Conduit;
use crate::driver::bcm2836;

/// The interrupt controller of the Raspberry Pi 3 beside its CPUs.
const BCM2836: &str = "brcm,bcm2836-l1-intc";

type Tree = Fdt<'static>;
type TreeNode = FdtNode<'static>;

/// What is wrong with a device tree.
type Reason = &'static str;

const PAGE_BYTES: u64 = abi::PAGE_BYTES;
/// Unit in which RAM is mapped.
const BLOCK_BYTES: u64 = 2 << 20;

impl Platform {
    /// Reads the machine's parts from its device tree.
    ///
    /// # Errors
    /// What the kernel cannot do without, and did not find.
    pub(crate) fn read(tree: Tree, entry: Entry) -> Result<Self, Reason> {
        let archive = archive(tree);
        Ok(Self {
            model: tree
                .root()
                .model()
                .ok()
                .flatten()
                .unwrap_or("unnamed machine"),
            entry,
            ram: ram(tree)?,
            reserved: reserved(tree, [mmu::image_range(), entry.device_tree, archive])?,
            archive,
            bootargs: chosen(tree, "bootargs").unwrap_or_default(),
            seed: seed(tree),
            interrupt_controller: interrupt_controller(tree)?,
            timer_irq: timer_irq(tree)?,
            conduit: conduit(tree),
            power: find(tree, &["brcm,bcm2835-pm", "brcm,bcm2835-pm-wdt"])
                .and_then(|device| device.registers().next()),
        })
    }
}

/// Registers of the PL011 that `stdout-path` names, or else of any PL011.
pub(crate) fn uart(tree: Tree) -> Option<Range> {
    let path = chosen::<&str>(tree, "stdout-path").unwrap_or_default();
    // Options of the line may follow: "/pl011@9000000:115200n8".
    let path = path.split(':').next().unwrap_or_default();
    let path = match path.starts_with('/') {
        true => Some(path),
        false => tree
            .find_node("/aliases")
            .and_then(|aliases| text(aliases, path)),
    };
    path.and_then(|path| device_at(tree, path))
        .filter(|device| device.node.is_compatible("arm,pl011"))
        .or_else(|| find(tree, &["arm,pl011"]))
        .and_then(|device| device.registers().next())
}

/// RAM in whole blocks, without what must not be mapped.
fn ram(tree: Tree) -> Result<Ranges, Reason> {
    let mut ram = Ranges::default();
    let is_memory =
        |node: &TreeNode| text(*node, "device_type") == Some("memory") && is_usable(node);
    for node in tree.root().children().filter(is_memory) {
        for range in registers(node) {
            ram.push(range)
                .map_err(|_| "memory is in more parts than the kernel can note")?;
        }
    }
    ram.subtract(Range {
        start: mmu::LINEAR_END,
        end: u64::MAX,
    });
    for node in reserved_nodes(tree).filter(|node| node.property("no-map").is_some()) {
        registers(node).for_each(|range| ram.subtract(range));
    }
    ram.shrink_to(BLOCK_BYTES);
    match ram.bytes() {
        0 => Err("it names no memory"),
        _ => Ok(ram),
    }
}

/// The given ranges and all that the device tree reserves, in whole pages.
fn reserved(tree: Tree, own: [Range; 3]) -> Result<Ranges, Reason> {
    let from_header = tree
        .memory_reservations()
        .map(|r| Range::sized(r.address(), r.size()));
    let from_nodes = reserved_nodes(tree).flat_map(registers);
    let mut reserved = Ranges::default();
    for range in own.into_iter().chain(from_header).chain(from_nodes) {
        if !range.is_empty() {
            let pages = range.grow_to(PAGE_BYTES);
            reserved
                .push(pages)
                .map_err(|_| "it reserves more parts than the kernel can note")?;
        }
    }
    Ok(reserved)
}

fn reserved_nodes(tree: Tree) -> impl Iterator<Item = TreeNode> {
    tree.find_node("/reserved-memory")
        .into_iter()
        .flat_map(|node| node.children())
}

/// The boot archive that the loader left in memory.
fn archive(tree: Tree) -> Range {
    let start = chosen::<&[u8]>(tree, "linux,initrd-start").and_then(number);
    let end = chosen::<&[u8]>(tree, "linux,initrd-end").and_then(number);
    match (start, end) {
        (Some(start), Some(end)) if start < end => Range { start, end },
        _ => Range::default(),
    }
}

fn seed(tree: Tree) -> [u8; 32] {
    let bytes = chosen::<&[u8]>(tree, "rng-seed").unwrap_or_default();
    core::array::from_fn(|index| bytes.get(index).copied().unwrap_or(0))
}

fn interrupt_controller(tree: Tree) -> Result<InterruptController, Reason> {
    const V2: [&str; 2] = ["arm,cortex-a15-gic", "arm,gic-400"];
    const V3: [&str; 1] = ["arm,gic-v3"];
    const MISSING: Reason = "it names no interrupt controller that the kernel knows";
    if let Some((distributor, cpu)) = two_registers(tree, &V2) {
        return Ok(InterruptController::GicV2 { distributor, cpu });
    }
    if let Some(local) = find(tree, &[BCM2836]) {
        let local = local.registers().next().ok_or(MISSING)?;
        let peripherals = find(tree, &["brcm,bcm2836-armctrl-ic"])
            .and_then(|device| device.registers().next())
            .ok_or("it names no interrupt controller of the peripherals")?;
        return Ok(InterruptController::Bcm2836 { local, peripherals });
    }
    let (distributor, redistributors) = two_registers(tree, &V3).ok_or(MISSING)?;
    Ok(InterruptController::GicV3 {
        distributor,
        redistributors,
    })
}

fn two_registers(tree: Tree, compatible: &[&str]) -> Option<(Range, Range)> {
    let mut ranges = find(tree, compatible)?.registers();
    Some((ranges.next()?, ranges.next()?))
}

/// The third interrupt of the timer's node is the virtual timer's; with a GIC a number among the
/// private ones (Linux, Documentation/devicetree/bindings/timer/arm,arch_timer.yaml), on the Pi 3
/// one of the CPU's own controller, with two cells for each interrupt.
fn timer_irq(tree: Tree) -> Result<u32, Reason> {
    const FIRST_PRIVATE: u32 = 16;
    const MISSING: Reason = "it names no timer that the kernel knows";
    const VIRTUAL: usize = 2;
    let device = find(tree, &["arm,armv8-timer", "arm,armv7-timer"]).ok_or(MISSING)?;
    let interrupts = device.node.property("interrupts").ok_or(MISSING)?;
    let cells = interrupts.value().as_chunks::<4>().0;
    let local = find(tree, &[BCM2836]).is_some();
    let index = if local { VIRTUAL * 2 } else { VIRTUAL * 3 + 1 };
    let number = u32::from_be_bytes(*cells.get(index).ok_or(MISSING)?);
    if local && number < 4 {
        Ok(bcm2836::FIRST_LOCAL + number)
    } else if number >= FIRST_PRIVATE {
        Err("its timer has no private interrupt")
    } else {
        Ok(FIRST_PRIVATE + number)
    }
}

fn conduit(tree: Tree) -> Conduit {
    let node = find(tree, &["arm,psci-1.0", "arm,psci-0.2"]);
    match node.and_then(|device| text(device.node, "method")) {
        Some("hvc") => Conduit::Hvc,
        Some("smc") => Conduit::Smc,
        _ => Conduit::None,
    }
}

/// A node and the bus that it is on; without one its addresses are the machine's.
#[derive(Clone, Copy)]
struct Device {
    node: TreeNode,
    bus: Option<TreeNode>,
}

impl Device {
    /// Its registers, as the CPU addresses them.
    fn registers(self) -> impl Iterator<Item = Range> {
        registers(self.node).filter_map(move |range| match self.bus {
            Some(bus) => translate(bus, range),
            None => Some(range),
        })
    }
}

/// The first usable node that is compatible with one of these, below the root or on a bus there.
fn find(tree: Tree, compatible: &[&str]) -> Option<Device> {
    let fits =
        |node: &TreeNode| compatible.iter().any(|name| node.is_compatible(name)) && is_usable(node);
    let at_root = tree.root().children().find(fits);
    at_root.map(|node| Device { node, bus: None }).or_else(|| {
        let is_bus = |node: &TreeNode| node.is_compatible("simple-bus") && is_usable(node);
        tree.root().children().filter(is_bus).find_map(|bus| {
            let node = bus.children().find(fits)?;
            Some(Device {
                node,
                bus: Some(bus),
            })
        })
    })
}

/// The node of that path, which is below the root or on a bus there.
fn device_at(tree: Tree, path: &str) -> Option<Device> {
    let node = tree.find_node(path)?;
    let bus = match path.rsplit_once('/')?.0 {
        "" => None,
        bus => Some(tree.find_node(bus)?),
    };
    Some(Device { node, bus })
}

/// What a range on a bus is for the CPU: the bus says so in `ranges`, and an empty one says that
/// nothing changes (Devicetree Specification 0.4, 2.3.8).
fn translate(bus: TreeNode, range: Range) -> Option<Range> {
    if bus.property("ranges")?.value().is_empty() {
        return Some(range);
    }
    bus.ranges().ok()??.find_map(|window| {
        let start = window.child_bus_address::<u64>().ok()?;
        let parent = window.parent_bus_address::<u64>().ok()?;
        let offset = range.start.checked_sub(start)?;
        let inside = offset < window.length::<u64>().ok()?;
        inside.then(|| Range::sized(parent.wrapping_add(offset), range.bytes()))
    })
}

/// Whether a node is there for us: the secure world's are marked as disabled.
fn is_usable(node: &TreeNode) -> bool {
    node.status() == Ok(Status::Okay)
}

/// The physical ranges of a node's `reg`; those that cannot be read are skipped.
fn registers(node: TreeNode) -> impl Iterator<Item = Range> {
    let ranges = node.reg().ok().flatten().into_iter().flatten();
    ranges.filter_map(|reg| Some(Range::sized(reg.address().ok()?, reg.size().ok()?)))
}

fn chosen<T: dtoolkit::FromPropertyValue<'static>>(tree: Tree, name: &str) -> Option<T> {
    value(tree.find_node("/chosen")?, name)
}

fn text(node: TreeNode, name: &str) -> Option<&'static str> {
    value(node, name)
}

fn value<T: dtoolkit::FromPropertyValue<'static>>(node: TreeNode, name: &str) -> Option<T> {
    node.properties()
        .find(|property| property.name() == name)?
        .value_as()
        .ok()
}

/// A number of one or two cells.
fn number(bytes: &[u8]) -> Option<u64> {
    match bytes.len() {
        4 => Some(u64::from(u32::from_be_bytes(bytes.try_into().ok()?))),
        8 => Some(u64::from_be_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}
