pub fn run_all(_: &[String], _: Option<&str>) -> anyhow::Result<std::process::ExitCode> {
    todo!()
}
