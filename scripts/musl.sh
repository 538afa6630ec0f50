# Sets the C compilers for the target in $target, if it is one of musl: to be sourced. musl-gcc compiles only
# for the machine's own architecture.
#
# librdkafka's own build reads CC alone; HOST_CC is for programs that run during the build. Its C++ part is
# compiled and not linked, so any compiler will do.
case $target in
    *-linux-musl)
        compiler="CC_$(printf '%s' "$target" | tr - _)"
        if [ -z "$(printenv "$compiler" || true)" ]; then
            command -v musl-gcc >/dev/null 2>&1 || fail 'musl-gcc is missing: sh scripts/setup-image.sh'
            export "$compiler=musl-gcc"
        fi
        CC=$(printenv "$compiler")
        HOST_CC=${HOST_CC:-cc}
        export CC HOST_CC
        ;;
esac
