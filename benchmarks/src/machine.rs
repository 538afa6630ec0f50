//! The description of the machine.

/// Returns the number of cores, the processor if it is known, and the system, in one line.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let os = std::env::consts::OS;
    let arch = std::env::consts::ARCH;
    match processor() {
        Some(processor) => format!("{cores} cores, {processor}, {os} {arch}"),
        None => format!("{cores} cores, {os} {arch}"),
    }
}

fn processor() -> Option<String> {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    Some(line.split_once(": ")?.1.to_owned())
}
