//! Where the lists and dicts of one rendering live.
//!
//! Values hold indices into it. So a dict that contains itself is no leak,
//! and dropping needs no recursion however deeply values nest; memory is
//! given back when the rendering ends, and the budget bounds it until then.

use std::collections::BTreeMap;

use crate::budget::Budget;
use crate::error::{Fault, Outcome};
use crate::text::Text;
use crate::value::Value;

#[derive(Default)]
pub(crate) struct Heap {
    lists: Vec<Vec<Value>>,
    dicts: Vec<Dict>,
    nothing: Dict,
}

pub(crate) type Dict = BTreeMap<Text, Value>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DictId(u32);

/// A Go slice: a window on a shared array.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    pub(crate) element: Element,
    /// The array; none for a nil slice.
    array: Option<u32>,
    start: u32,
    len: u32,
    capacity: u32,
}

/// The element type of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Any,
    String,
    Int,
    Byte,
    /// `[]interface {}`, in what `chunk` gives.
    List,
}

impl Element {
    pub(crate) fn slice_type(self) -> &'static str {
        match self {
            Element::Any => "[]interface {}",
            Element::String => "[]string",
            Element::Int => "[]int",
            Element::Byte => "[]uint8",
            Element::List => "[][]interface {}",
        }
    }

    fn zero(self) -> Value {
        match self {
            Element::Any => Value::Nil,
            Element::String => Value::text(Vec::new()),
            Element::Int => Value::Int(0),
            Element::Byte => Value::Uint8(0),
            Element::List => Value::List(List::nil(Element::Any)),
        }
    }

    /// Bytes of one element in Go's memory and whether it holds pointers.
    fn layout(self) -> (usize, bool) {
        match self {
            Element::Any | Element::String => (16, true),
            Element::Int => (8, false),
            Element::Byte => (1, false),
            Element::List => (24, true),
        }
    }
}

impl List {
    pub(crate) fn nil(element: Element) -> Self {
        List {
            element,
            array: None,
            start: 0,
            len: 0,
            capacity: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn is_nil(&self) -> bool {
        self.array.is_none()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Whether both are the same window on the same array.
    pub(crate) fn same(&self, other: &List) -> bool {
        self.array == other.array && self.start == other.start && self.len == other.len
    }

    /// Go's `list[start:end]`, which may reach up to the capacity.
    pub(crate) fn window(&self, start: usize, end: usize) -> Option<List> {
        if start > end || end > self.capacity() {
            return None;
        }
        let narrow = |n: usize| u32::try_from(n).ok();
        Some(List {
            element: self.element,
            array: self.array,
            start: self.start.checked_add(narrow(start)?)?,
            len: narrow(end - start)?,
            capacity: self.capacity.checked_sub(narrow(start)?)?,
        })
    }
}

impl Heap {
    /// A list whose array is just as long as it.
    pub(crate) fn list(
        &mut self,
        budget: &mut Budget,
        element: Element,
        items: Vec<Value>,
    ) -> Outcome<List> {
        let capacity = items.len();
        self.roomy_list(budget, element, items, capacity)
    }

    /// A list as Go's `append` leaves it when it adds one item at a time.
    pub(crate) fn grown_list(
        &mut self,
        budget: &mut Budget,
        element: Element,
        items: Vec<Value>,
    ) -> Outcome<List> {
        let mut capacity = 0;
        while capacity < items.len() {
            capacity = grown_capacity(element, capacity, capacity + 1);
        }
        self.roomy_list(budget, element, items, capacity)
    }

    pub(crate) fn roomy_list(
        &mut self,
        budget: &mut Budget,
        element: Element,
        items: Vec<Value>,
        capacity: usize,
    ) -> Outcome<List> {
        budget.allocate(items.len() * size_of::<Value>() + 32)?;
        let too_long = |_| Fault::over(crate::budget::Limit::Bytes);
        let len = u32::try_from(items.len()).map_err(too_long)?;
        let capacity = u32::try_from(capacity.max(items.len())).map_err(too_long)?;
        let array = u32::try_from(self.lists.len()).map_err(too_long)?;
        self.lists.push(items);
        Ok(List {
            element,
            array: Some(array),
            start: 0,
            len,
            capacity,
        })
    }

    pub(crate) fn item(&self, list: &List, index: usize) -> Option<Value> {
        if index >= list.len() {
            return None;
        }
        Some(
            self.items(list)
                .get(index)
                .cloned()
                .unwrap_or_else(|| list.element.zero()),
        )
    }

    /// The items of a list, less those past what was ever written (see
    /// [`Heap::item`] for their value).
    fn items(&self, list: &List) -> &[Value] {
        let array = list
            .array
            .and_then(|array| self.lists.get(array as usize))
            .map_or(&[][..], Vec::as_slice);
        let start = list.start as usize;
        let end = (start + list.len()).min(array.len());
        array.get(start..end).unwrap_or_default()
    }

    /// All items, cloned.
    pub(crate) fn to_vec(&self, list: &List) -> Vec<Value> {
        let mut items = self.items(list).to_vec();
        items.resize_with(list.len(), || list.element.zero());
        items
    }

    /// Overwrites the items of a list, as sorting in place does.
    pub(crate) fn overwrite(&mut self, list: &List, items: Vec<Value>) {
        let Some(array) = list
            .array
            .and_then(|array| self.lists.get_mut(array as usize))
        else {
            return;
        };
        let start = list.start as usize;
        if array.len() < start + items.len() {
            array.resize_with(start + items.len(), || list.element.zero());
        }
        for (slot, item) in array.iter_mut().skip(start).zip(items) {
            *slot = item;
        }
    }

    pub(crate) fn dict(&mut self, budget: &mut Budget, dict: Dict) -> Outcome<DictId> {
        // A tree's first node has room for eleven entries.
        budget.allocate(dict.len() * ENTRY + 11 * ENTRY)?;
        let id = u32::try_from(self.dicts.len())
            .map_err(|_| Fault::over(crate::budget::Limit::Bytes))?;
        self.dicts.push(dict);
        Ok(DictId(id))
    }

    /// The entries; none for a nil map.
    pub(crate) fn entries(&self, id: Option<DictId>) -> &Dict {
        id.and_then(|DictId(id)| self.dicts.get(id as usize))
            .unwrap_or(&self.nothing)
    }

    pub(crate) fn insert(
        &mut self,
        budget: &mut Budget,
        DictId(id): DictId,
        key: Text,
        value: Value,
    ) -> Outcome<()> {
        budget.allocate(ENTRY)?;
        if let Some(dict) = self.dicts.get_mut(id as usize) {
            dict.insert(key, value);
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, DictId(id): DictId, key: &[u8]) {
        if let Some(dict) = self.dicts.get_mut(id as usize) {
            dict.remove(key);
        }
    }
}

/// What one entry of a dict costs.
pub(crate) const ENTRY: usize = size_of::<Text>() + size_of::<Value>() + 16;

/// Go's capacity after `append` to a slice of `old` capacity reaches `len`.
pub(crate) fn grown_capacity(element: Element, old: usize, len: usize) -> usize {
    let wanted = if len > old * 2 {
        len
    } else if old < 256 {
        old * 2
    } else {
        let mut capacity = old;
        while capacity < len {
            capacity += (capacity + 3 * 256) >> 2;
        }
        capacity
    };
    let (size, pointers) = element.layout();
    allocation_size(wanted * size, pointers) / size
}

/// The size classes of Go's allocator (runtime/sizeclasses.go).
const SIZE_CLASSES: [usize; 67] = [
    8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352,
    384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048,
    2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728,
    10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672,
    32768,
];

fn allocation_size(size: usize, pointers: bool) -> usize {
    const LARGEST_SMALL: usize = 32768 - 8;
    const PAGE: usize = 8192;
    // Larger objects with pointers carry a header of one word.
    let header = if pointers && size > 512 { 8 } else { 0 };
    if size <= LARGEST_SMALL {
        SIZE_CLASSES
            .iter()
            .find(|&&class| class >= size + header)
            .map_or(size, |class| class - header)
    } else {
        size.div_ceil(PAGE) * PAGE
    }
}
