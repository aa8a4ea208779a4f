pub fn run(_: bool) -> anyhow::Result<std::process::ExitCode> {
    todo!()
}
