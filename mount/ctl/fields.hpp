// Fields of the lines that commands say, and figures as people read them.
//
// Thread: pure functions. What is missing, or of another kind, is empty, 0 or false.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace spotfs::ctl {

namespace json = boost::json;

std::string_view string_of(const json::object& line, std::string_view name);
// Printable; what is escaped already stays as it is.
std::string text_of(const json::object& line, std::string_view name);
std::uint64_t number_of(const json::object& line, std::string_view name);
double real_of(const json::object& line, std::string_view name);
bool flag_of(const json::object& line, std::string_view name);
const json::object& object_of(const json::object& line, std::string_view name);
const json::array& array_of(const json::object& line, std::string_view name);

std::string size_text(std::uint64_t bytes);                                                // "1.5 MiB"
std::string milliseconds_text(double value);                                               // "1.5 ms"
std::string count_text(std::uint64_t count, std::string_view one, std::string_view many);  // "1 change"
std::string moment_text(std::uint64_t seconds);  // of Unix seconds: 2026-01-31T12:34:56Z

}  // namespace spotfs::ctl
