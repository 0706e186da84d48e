local dates = require "anthropic.http.dates"

describe("a date", function()
  local NAMES = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

  it("is read as seconds since the epoch", function()
    for text, seconds in pairs {
      ["Thu, 01 Jan 1970 00:00:00 GMT"] = 0,
      ["Wed, 31 Dec 1969 23:59:59 GMT"] = -1,
      ["Sun, 06 Nov 1994 08:49:37 GMT"] = 784111777,
      ["Tue, 29 Feb 2000 12:00:00 GMT"] = 951825600,
      ["Wed, 01 Mar 2000 00:00:00 GMT"] = 951868800,
      ["Sun, 28 Feb 2100 23:59:59 GMT"] = 4107542399,
      ["Mon, 01 Mar 2100 00:00:00 GMT"] = 4107542400,
      ["Thu, 01 Mar 1900 00:00:00 GMT"] = -2203891200,
      ["Sun, 31 Dec 2023 23:59:59 GMT"] = 1704067199,
      ["Mon, 01 Jan 2024 00:00:00 GMT"] = 1704067200,
      ["Thu, 29 Feb 2024 00:00:00 GMT"] = 1709164800,
      ["Fri, 31 Dec 9999 23:59:60 GMT"] = 253402300800,
    } do
      assert.equal(seconds, dates.http(text), text)
    end
  end)

  it("is read in its two older forms, too", function()
    for text, seconds in pairs {
      ["Sunday, 06-Nov-94 08:49:37 GMT"] = 784111777,
      ["Friday, 01-Jan-99 00:00:00 GMT"] = 915148800,
      ["Saturday, 29-Feb-20 12:00:00 GMT"] = 1582977600,
      ["Sun Nov  6 08:49:37 1994"] = 784111777,
      ["Sun Dec 31 23:59:59 2023"] = 1704067199,
      ["Thu Feb 29 00:00:00 2024"] = 1709164800,
    } do
      assert.equal(seconds, dates.http(text), text)
    end
  end)

  it("with a year of two digits lies at most fifty years ahead", function()
    local year = tonumber(os.date "!%Y")
    for ahead = -49, 50 do
      local text = ("%02d-Jan-%02d 00:00:00 GMT"):format(1, (year + ahead) % 100)
      local whole = ("Thu, 01 Jan %04d 00:00:00 GMT"):format(year + ahead)
      assert.equal(dates.http(whole), dates.http("Thursday, " .. text), text)
    end
  end)

  it("is that of the system's calendar on every day", function()
    for day = 0, 20000, 7 do
      local time = day * 86400 + day * 7919 % 86400
      local at = os.date("!*t", time)
      local text = ("Mon, %02d %s %04d %02d:%02d:%02d GMT"):format(at.day, NAMES[at.month], at.year, at.hour, at.min,
        at.sec)
      assert.equal(time, dates.http(text), text)
      assert.equal(time, dates.timestamp(os.date("!%Y-%m-%dT%H:%M:%SZ", time)), text)
    end
  end)

  it("is missing where the text has another form", function()
    for _, text in ipairs { "", "now", "5", "Sun, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
                            "Sunday, 06 Nov 94 08:49:37 GMT", "Sunday, 06-Nox-94 08:49:37 GMT",
                            "Sun Nov  6 08:49:37 94", "Sun Nov 6 08:49:37 1994", "Sun Nox  6 08:49:37 1994",
                            "Sun Nov  6 08:49:37 1994 GMT", "Sun, Nov  6 08:49:37 1994",
                            "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
                            "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
                            "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
                            "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT",
                            "06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z" } do
      assert.is_nil(dates.http(text), text)
    end
    assert.is_nil(dates.http(nil))
  end)
end)

describe("a time stamp", function()
  it("is read as seconds since the epoch", function()
    for text, seconds in pairs {
      ["1970-01-01T00:00:00Z"] = 0,
      ["1994-11-06T08:49:37Z"] = 784111777,
      ["1994-11-06t08:49:37z"] = 784111777,
      ["1994-11-06 08:49:37Z"] = 784111777,
      ["1994-11-06T08:49:37.5Z"] = 784111777.5,
      ["1994-11-06T08:49:37.125Z"] = 784111777.125,
      ["1994-11-06T08:49:37.Z"] = 784111777,
      ["1994-11-06T08:49:37+00:00"] = 784111777,
      ["1994-11-06T08:49:37-00:00"] = 784111777,
      ["1994-11-06T10:49:37+02:00"] = 784111777,
      ["1994-11-06T10:49:37+0200"] = 784111777,
      ["1994-11-06T03:19:37-05:30"] = 784111777,
      ["1994-11-06T14:34:37.25+05:45"] = 784111777.25,
      ["2026-01-31T00:00:00Z"] = 1769817600,
      ["2026-02-28T00:00:00Z"] = 1772236800,
      ["2026-03-31T00:00:00Z"] = 1774915200,
      ["2026-12-31T00:00:00Z"] = 1798675200,
    } do
      assert.equal(seconds, dates.timestamp(text), text)
    end
  end)

  it("is missing where the text has another form", function()
    for _, text in ipairs { "", "now", "1994-11-06", "1994-11-06T08:49:37", "1994-11-06T08:49Z",
                            "94-11-06T08:49:37Z", "1994-1-06T08:49:37Z", "1994/11/06T08:49:37Z",
                            "1994-11-06_08:49:37Z", "1994-11-06T08:49:37ZZ", "1994-11-06T08:49:37Zx",
                            "1994-11-06T08:49:37 Z", "1994-11-06T08:49:37+2", "1994-11-06T08:49:37+02",
                            "1994-11-06T08:49:37+02:0", "1994-11-06T08:49:37+02:000", "1994-11-06T08:49:37 02:00",
                            "1994-11-06T08:49:37UTC", " 1994-11-06T08:49:37Z", "x1994-11-06T08:49:37Z" } do
      assert.is_nil(dates.timestamp(text), text)
    end
    assert.is_nil(dates.timestamp(nil))
    assert.is_nil(dates.timestamp(784111777))
    assert.is_nil(dates.timestamp {})
  end)
end)
