//! The tables of routes in `tests/cases/routes`, with the route of each path.
//!
//! A case has a line `route <pattern>` for each route and a line `path <path>` for each request.

use spin_local::{Route, RouteMatch, RouteTarget, Router};
use test_support::cases;

#[test]
fn every_path_has_the_expected_route() {
    cases::check("tests/cases/routes", "txt", 20, |input| {
        let case = std::fs::read_to_string(input).unwrap();
        let routes: Vec<_> = lines(&case, "route ").enumerate().map(route).collect();
        let paths: Vec<_> = lines(&case, "path ").collect();
        match Router::new(&routes) {
            Err(error) => format!("error: {error}\n"),
            Ok(router) => [listing(&router), matches(&router, &paths)].concat(),
        }
    });
}

fn lines<'a>(case: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    case.lines()
        .filter_map(move |line| line.strip_prefix(prefix))
}

fn route((component, pattern): (usize, &str)) -> Route {
    Route {
        pattern: pattern.to_owned(),
        target: RouteTarget::Component(component),
    }
}

fn listing(router: &Router) -> String {
    let line =
        |(route, target): (String, RouteTarget)| format!("{}: http://app{route}\n", number(target));
    router.listing().map(line).collect()
}

fn matches(router: &Router, paths: &[&str]) -> String {
    let line = |path: &&str| match router.find(path) {
        None => format!("{path} -> not found\n"),
        Some(found) => format!("{path} -> {}\n", describe(&found)),
    };
    paths.iter().map(line).collect()
}

fn describe(found: &RouteMatch<'_>) -> String {
    let named = found
        .named()
        .map(|(name, value)| format!(" {name}={value:?}"));
    format!(
        "{} based={:?} raw={:?} component={:?} info={:?}{}",
        number(found.target()),
        found.based_route(),
        found.raw_route(),
        found.component_route(),
        found.path_info(),
        named.collect::<String>()
    )
}

fn number(target: RouteTarget) -> usize {
    match target {
        RouteTarget::Component(number) | RouteTarget::Static(number) => number,
    }
}
